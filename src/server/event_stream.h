// Answers in pieces: server-sent events (HTML standard, section 9.2) and JSON lines.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/http.h"

namespace ondol::server {

/// Of silence, before a comment tells the client that we are still here.
inline constexpr std::chrono::seconds kPingAfter{15};

/// Begins a text/event-stream with pings (": ping") in silence.
void begin_events(Responder& responder, int status = 200, Headers headers = {});

/// One event: every line of `data` in a "data:" line of its own, after "event:" and "id:" unless they are empty. A line
/// end inside of `name` or `id` becomes a space.
std::string format_event(std::string_view name, std::string_view data, std::string_view id = {});
inline std::string format_data(std::string_view data) {
  return format_event({}, data);
}
/// Ignored by clients.
std::string format_comment(std::string_view text);

/// Begins application/x-ndjson. It has no comments, hence no pings.
void begin_json_lines(Responder& responder, int status = 200, Headers headers = {});
std::string format_json_line(const json::value& value);

}  // namespace ondol::server
