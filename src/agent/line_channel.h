// Messages as lines, over pipes or sockets: how MCP and ACP talk to a process. With time limits and a limit on lines.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace ondol {

/// One thread. The descriptor stays the caller's.
class LineReader {
 public:
  LineReader(int descriptor, size_t max_line_bytes) : descriptor_(descriptor), max_line_bytes_(max_line_bytes) {}

  enum class Got {
    kLine,     // without its end
    kNothing,  // not a whole line within the time
    kEnd,      // of the stream; half a line before it is left out
    kTooLong,  // the line is passed over
  };
  /// Waits at most so long; a negative time is for ever.
  Got next(std::string& line, int timeout_ms);
  /// What wait() is for: a whole line may be there already.
  bool has_line() const { return buffer_.find('\n', searched_) != std::string::npos; }

 private:
  bool take(std::string& line, Got& got);

  const int descriptor_;
  const size_t max_line_bytes_;
  std::string buffer_;
  size_t searched_ = 0;       // bytes of the buffer without a line's end
  bool is_skipping_ = false;  // the rest of a line that was too long
};

/// From any thread; a line is written as a whole. The descriptor stays the caller's.
class LineWriter {
 public:
  explicit LineWriter(int descriptor) : descriptor_(descriptor) {}

  /// False: the other side is gone, or took nothing for so long, and nothing will be written any more.
  bool write(std::string_view line, int timeout_ms = 30'000);
  /// Those who are writing give up.
  void close() { is_closed_ = true; }

 private:
  const int descriptor_;
  std::mutex mutex_;
  std::atomic<bool> is_closed_ = false;
};

}  // namespace ondol
