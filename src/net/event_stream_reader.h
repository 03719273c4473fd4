// Server-sent events, read as they come (HTML standard, section 9.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ondol {

struct ServerEvent {
  std::string name;  // "" is "message"
  std::string data;
  std::string id;
  bool has_id = false;
};

class EventStreamReader {
 public:
  explicit EventStreamReader(size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  /// The events that are whole with `piece`, those without data among them where they have an id. Pieces may end
  /// anywhere.
  std::vector<ServerEvent> push(std::string_view piece);
  /// An event, or a line, is larger than allowed: nothing comes any more.
  bool is_too_large() const { return is_too_large_; }
  const std::string& last_id() const { return last_id_; }
  /// How long to wait before coming back; nothing: it was not said.
  std::optional<int64_t> retry_ms() const { return retry_ms_; }

 private:
  void take_line(std::string_view line, std::vector<ServerEvent>& events);

  const size_t max_event_bytes_;
  std::string buffer_;
  bool is_after_cr_ = false;
  bool is_first_ = true;
  ServerEvent event_;
  bool has_data_ = false;
  std::string last_id_;
  std::optional<int64_t> retry_ms_;
  bool is_too_large_ = false;
};

}  // namespace ondol
