// A raw client for tests: bytes in, bytes out, and a reader of answers that is independent of the server's code.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "server/server.h"

namespace ondol::server {

struct TestAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool is_complete = false;
};

class TestClient {
 public:
  explicit TestClient(int port, int receive_buffer = 0) {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() { close(); }

  bool is_connected() const { return is_connected_; }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  void half_close() { shutdown(fd_, SHUT_WR); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  /// Some bytes into the buffer; false at the end or after the time.
  bool receive(size_t most = 65536, int timeout_ms = 10000) {
    pollfd entry{fd_, POLLIN, 0};
    if (poll(&entry, 1, timeout_ms) <= 0) return false;
    std::string bytes(most, '\0');
    const ssize_t n = recv(fd_, bytes.data(), bytes.size(), 0);
    if (n <= 0) return false;
    buffer_.append(bytes.data(), static_cast<size_t>(n));
    return true;
  }

  /// Whether the server closes within the time, whatever it sends before.
  bool is_closed_within(int timeout_ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (std::chrono::steady_clock::now() < end) {
      pollfd entry{fd_, POLLIN, 0};
      if (poll(&entry, 1, 20) <= 0) continue;
      char bytes[65536];
      const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
      if (n <= 0) return true;
      buffer_.append(bytes, static_cast<size_t>(n));
    }
    return false;
  }

  std::string& buffer() { return buffer_; }

  /// The next answer; to a HEAD request, without its body.
  TestAnswer read_answer(bool is_head = false) {
    TestAnswer answer;
    while (buffer_.find("\r\n\r\n") == std::string::npos)
      if (!receive()) return answer;
    const size_t end = buffer_.find("\r\n\r\n");
    parse_head(buffer_.substr(0, end), answer);
    buffer_.erase(0, end + 4);
    if (is_head || answer.status < 200 || answer.status == 204 || answer.status == 304) {
      answer.is_complete = true;
    } else if (answer.headers.contains("transfer-encoding")) {
      while (read_chunk(answer)) {
      }
    } else if (answer.headers.contains("content-length")) {
      const size_t length = std::stoul(answer.headers["content-length"]);
      while (buffer_.size() < length)
        if (!receive()) return answer;
      answer.body = buffer_.substr(0, length);
      buffer_.erase(0, length);
      answer.is_complete = true;
    } else {
      while (receive()) {
      }
      answer.body = std::move(buffer_);
      buffer_.clear();
      answer.is_complete = true;
    }
    return answer;
  }

  TestAnswer ask(std::string_view request) {
    send(request);
    return read_answer(request.starts_with("HEAD"));
  }

  /// Appends one chunk; false after the last one or when there is none.
  bool read_chunk(TestAnswer& answer) {
    while (buffer_.find("\r\n") == std::string::npos)
      if (!receive()) return false;
    const size_t line = buffer_.find("\r\n");
    const size_t size = std::stoul(buffer_.substr(0, line), nullptr, 16);
    while (buffer_.size() < line + 2 + size + 2)
      if (!receive()) return false;
    answer.body += buffer_.substr(line + 2, size);
    EXPECT_EQ(buffer_.substr(line + 2 + size, 2), "\r\n");
    buffer_.erase(0, line + 2 + size + 2);
    answer.is_complete = size == 0;
    return size > 0;
  }

 private:
  static void parse_head(const std::string& text, TestAnswer& answer) {
    answer.status = std::stoi(text.substr(9));
    size_t start = text.find("\r\n");
    while (start != std::string::npos) {
      const size_t end = text.find("\r\n", start + 2);
      const std::string line = text.substr(start + 2, end == std::string::npos ? end : end - start - 2);
      const size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      for (char& c : name) c = static_cast<char>(tolower(c));
      std::string& value = answer.headers[name];
      value += (value.empty() ? "" : ", ") + line.substr(colon + 2);
      start = end;
    }
  }

  int fd_ = -1;
  bool is_connected_ = false;
  std::string buffer_;
};

/// A server on a free port, on a thread of its own.
class TestServer {
 public:
  explicit TestServer(std::vector<Route> routes, ServerOptions options = {}) {
    options.port = 0;
    auto created = Server::create(options, std::move(routes), [this](const RequestRecord& record) {
      const std::lock_guard lock(mutex_);
      records_.push_back(record);
    });
    EXPECT_TRUE(created.has_value()) << (created ? "" : created.error().message());
    server_ = std::move(created).value();
    thread_ = std::thread([this] { server_->run(); });
  }
  ~TestServer() { stop(0); }

  void stop(int grace_seconds) {
    server_->stop(std::chrono::seconds(grace_seconds));
    if (thread_.joinable()) thread_.join();
  }

  Server& operator*() { return *server_; }
  Server* operator->() { return server_.get(); }
  int port() const { return server_->port(); }

  std::vector<RequestRecord> records() {
    const std::lock_guard lock(mutex_);
    return records_;
  }

 private:
  std::mutex mutex_;
  std::vector<RequestRecord> records_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

/// Whether `condition` becomes true in time.
inline bool becomes_true(const std::function<bool()>& condition, int timeout_ms = 5000) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

/// "GET /path HTTP/1.1" with Host and `headers` ("Name: value\r\n...").
inline std::string get(std::string_view path, std::string_view headers = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, headers);
}
inline std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n{}", path, body.size(),
                     headers, body);
}

}  // namespace ondol::server
