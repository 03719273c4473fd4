#include "retrieve/message_pipe.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace ondol {
namespace {

constexpr int kAskEveryMs = 100;
constexpr auto kGrace = std::chrono::minutes(3);

struct Header {
  uint64_t kind;
  uint64_t size;
};

}  // namespace

/// What is there is read somewhat behind the deadline, too: this process may have been stopped. But not for ever.
bool MessagePipe::wait_for(short events, Clock::time_point deadline, const GoesOn& goes_on) {
  while (true) {
    pollfd waiting{socket_.get(), events, 0};
    const int n = ::poll(&waiting, 1, kAskEveryMs);
    if (n > 0) return Clock::now() < deadline + kGrace;
    if (n < 0 && errno != EINTR) return false;
    if (Clock::now() > deadline || (goes_on && !goes_on())) return false;
  }
}

bool MessagePipe::send_all(const char* data, size_t n, Clock::time_point deadline, const GoesOn& goes_on) {
  while (n > 0) {
    if (!wait_for(POLLOUT, deadline, goes_on)) return false;
    const ssize_t sent = ::send(socket_.get(), data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent <= 0) return false;
    data += sent;
    n -= static_cast<size_t>(sent);
  }
  return true;
}

bool MessagePipe::receive_all(char* data, size_t n, Clock::time_point deadline, const GoesOn& goes_on) {
  while (n > 0) {
    if (!wait_for(POLLIN, deadline, goes_on)) return false;
    const ssize_t got = ::recv(socket_.get(), data, n, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return false;
    data += got;
    n -= static_cast<size_t>(got);
  }
  return true;
}

bool MessagePipe::send(Message::Kind kind, std::string_view bytes, Clock::time_point deadline, const GoesOn& goes_on) {
  const Header header{static_cast<uint64_t>(kind), bytes.size()};
  return send_all(reinterpret_cast<const char*>(&header), sizeof header, deadline, goes_on) &&
         send_all(bytes.data(), bytes.size(), deadline, goes_on);
}

bool MessagePipe::receive(Message& message, size_t most_bytes, Clock::time_point deadline, const GoesOn& goes_on) {
  Header header{};
  if (!receive_all(reinterpret_cast<char*>(&header), sizeof header, deadline, goes_on)) return false;
  if (header.kind > static_cast<uint64_t>(Message::Kind::kRecognize) || header.size > most_bytes) return false;
  message.kind = static_cast<Message::Kind>(header.kind);
  message.bytes.clear();
  // What was announced need not come.
  constexpr size_t kStep = size_t{1} << 20;
  for (size_t n = 0; n < header.size; n = message.bytes.size()) {
    message.bytes.resize(n + std::min<size_t>(kStep, header.size - n));
    if (!receive_all(message.bytes.data() + n, message.bytes.size() - n, deadline, goes_on)) return false;
  }
  return true;
}

}  // namespace ondol
