#include "net/event_stream_reader.h"

#include <charconv>
#include <utility>

namespace ondol {

std::vector<ServerEvent> EventStreamReader::push(std::string_view piece) {
  std::vector<ServerEvent> events;
  for (const char c : piece) {
    if (is_too_large_) break;
    if (c == '\n' && std::exchange(is_after_cr_, false)) continue;
    is_after_cr_ = c == '\r';
    if (c != '\n' && c != '\r') {
      buffer_ += c;
      is_too_large_ = buffer_.size() + event_.data.size() > max_event_bytes_;
      continue;
    }
    std::string_view line = buffer_;
    if (std::exchange(is_first_, false) && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    take_line(line, events);
    buffer_.clear();
  }
  return events;
}

void EventStreamReader::take_line(std::string_view line, std::vector<ServerEvent>& events) {
  if (line.empty()) {
    if (has_data_ || event_.has_id) events.push_back(std::exchange(event_, {}));
    event_ = {};
    has_data_ = false;
    return;
  }
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (std::exchange(has_data_, true)) event_.data += '\n';
    event_.data += value;
  } else if (field == "event") {
    event_.name = value;
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    last_id_ = event_.id = value;
    event_.has_id = true;
  } else if (field == "retry") {
    int64_t time = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), time);
    if (code == std::errc() && end == value.data() + value.size() && time >= 0) retry_ms_ = time;
  }
}

}  // namespace ondol
