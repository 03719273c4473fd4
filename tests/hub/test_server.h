// TestServer: an HTTP/1.1 server on 127.0.0.1 that can misbehave: cut connections, stall, be slow, ignore ranges.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

namespace ondol {

struct TestRequest {
  std::string method, path;  // the path includes the query
  std::map<std::string, std::string> headers;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct TestReply {
  int status = 200;
  std::vector<std::string> headers;
  std::string body;
  size_t cut_after = SIZE_MAX;    // bytes of the body; then the connection is closed
  size_t stall_after = SIZE_MAX;  // bytes of the body; then nothing comes
  int ms_per_64k = 0;             // slowness
};

class TestServer {
 public:
  using Handler = std::function<TestReply(const TestRequest&)>;

  explicit TestServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~TestServer() {
    stop_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::scoped_lock lock(mutex_);
      for (const int fd : connections_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
  }

  std::string url(const std::string& path = "") const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }

  std::vector<TestRequest> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  size_t sent_bytes() const { return sent_bytes_; }
  size_t n_connections() const {
    const std::scoped_lock lock(mutex_);
    return connections_.size();
  }

 private:
  void accept_all() {
    while (!stop_) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) break;
      const std::scoped_lock lock(mutex_);
      connections_.push_back(fd);
      threads_.emplace_back([this, fd] {
        while (serve_one(fd)) {
        }
        ::shutdown(fd, SHUT_RDWR);
      });
    }
  }

  static bool read_request(int fd, TestRequest& request) {
    std::string text;
    char c = 0;
    while (!text.ends_with("\r\n\r\n")) {
      if (::recv(fd, &c, 1, 0) != 1) return false;
      text += c;
    }
    const size_t space = text.find(' ');
    request.method = text.substr(0, space);
    request.path = text.substr(space + 1, text.find(' ', space + 1) - space - 1);
    for (size_t at = text.find("\r\n") + 2; at < text.size() - 2;) {
      const size_t end = text.find("\r\n", at);
      const size_t colon = text.find(": ", at);
      if (colon < end) {
        std::string name = text.substr(at, colon - at);
        for (char& letter : name) letter = static_cast<char>(std::tolower(letter));
        request.headers[name] = text.substr(colon + 2, end - colon - 2);
      }
      at = end + 2;
    }
    return true;
  }

  bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  bool serve_one(int fd) {
    TestRequest request;
    if (!read_request(fd, request)) return false;
    const TestReply reply = handler_(request);
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(request);
    }
    std::string head = fmt::format("HTTP/1.1 {} X\r\n", reply.status);
    bool has_length = false;
    for (const std::string& header : reply.headers) {
      head += header + "\r\n";
      has_length = has_length || header.starts_with("Content-Length");
    }
    if (!has_length) head += fmt::format("Content-Length: {}\r\n", reply.body.size());
    if (!send_all(fd, head + "\r\n")) return false;
    if (request.method == "HEAD") return true;
    for (size_t at = 0; at < reply.body.size() && !stop_;) {
      const size_t limit = std::min({reply.body.size(), reply.cut_after, reply.stall_after});
      if (at == reply.cut_after) return false;
      if (at == reply.stall_after) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        continue;
      }
      const size_t n = std::min<size_t>(64 << 10, limit - at);
      if (!send_all(fd, std::string_view(reply.body).substr(at, n))) return false;
      at += n;
      sent_bytes_ += n;
      if (reply.ms_per_64k > 0) std::this_thread::sleep_for(std::chrono::milliseconds(reply.ms_per_64k));
    }
    return true;
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<size_t> sent_bytes_ = 0;
  mutable std::mutex mutex_;
  std::vector<TestRequest> requests_;
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// Answers a request for `content` as servers with ranges do.
inline TestReply ranged(const TestRequest& request, const std::string& content) {
  unsigned long long begin = 0, end = 0;
  if (std::sscanf(request.header("range").c_str(), "bytes=%llu-%llu", &begin, &end) != 2) return {200, {}, content};
  if (begin >= content.size()) return {416, {}, ""};
  end = std::min<unsigned long long>(end, content.size() - 1);
  return {206,
          {fmt::format("Content-Range: bytes {}-{}/{}", begin, end, content.size())},
          content.substr(begin, end - begin + 1)};
}

/// Bytes without a pattern that shifted or swapped pieces could fit.
inline std::string noise(size_t size, uint64_t seed = 1) {
  std::string bytes(size, '\0');
  uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  for (char& c : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state >> 32);
  }
  return bytes;
}

}  // namespace ondol
