#include "agent/line_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

int64_t milliseconds_until(Clock::time_point moment) {
  return std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(moment - Clock::now()).count());
}

// A pipe that can be written takes this much at once, so that the write does not wait.
constexpr size_t kPieceBytes = 4096;

ssize_t write_some(int descriptor, std::string_view bytes) {
  const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  return ::write(descriptor, bytes.data(), bytes.size());
}

}  // namespace

bool LineReader::take(std::string& line, Got& got) {
  const size_t end = buffer_.find('\n', searched_);
  if (end == std::string::npos) {
    searched_ = buffer_.size();
    if (buffer_.size() > max_line_bytes_ || is_skipping_) {
      is_skipping_ = true;
      buffer_.clear();
      searched_ = 0;
    }
    return false;
  }
  got = is_skipping_ || end > max_line_bytes_ ? Got::kTooLong : Got::kLine;
  line.assign(buffer_, 0, end);
  if (line.ends_with('\r')) line.pop_back();
  buffer_.erase(0, end + 1);
  searched_ = 0;
  is_skipping_ = false;
  return true;
}

LineReader::Got LineReader::next(std::string& line, int timeout_ms) {
  const auto last_moment = Clock::now() + std::chrono::milliseconds(timeout_ms);
  Got got = Got::kLine;
  while (!take(line, got)) {
    pollfd waiting{descriptor_, POLLIN, 0};
    const int time = timeout_ms < 0 ? -1 : static_cast<int>(milliseconds_until(last_moment));
    const int ready = ::poll(&waiting, 1, time);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Got::kEnd;
    if (ready == 0) return Got::kNothing;
    char bytes[16384];
    const ssize_t n = ::read(descriptor_, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return Got::kEnd;
    buffer_.append(bytes, static_cast<size_t>(n));
  }
  return got;
}

bool LineWriter::write(std::string_view line, int timeout_ms) {
  const std::lock_guard lock(mutex_);
  std::string text(line);
  text += '\n';
  std::string_view left = text;
  auto last_moment = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!left.empty() && !is_closed_) {
    pollfd waiting{descriptor_, POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, 100);
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0 && Clock::now() > last_moment) break;
    if (ready <= 0) continue;
    const ssize_t n = write_some(descriptor_, left.substr(0, kPieceBytes));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) break;
    left.remove_prefix(static_cast<size_t>(n));
    last_moment = Clock::now() + std::chrono::milliseconds(timeout_ms);
  }
  if (!left.empty()) is_closed_ = true;  // half a line cannot be mended
  return left.empty();
}

}  // namespace ondol
