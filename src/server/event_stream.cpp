#include "server/event_stream.h"

namespace ondol::server {
namespace {

// CR, LF and CR LF all end a line of an event stream.
void append_lines(std::string& out, std::string_view field, std::string_view text) {
  while (true) {
    const size_t end = text.find_first_of("\r\n");
    out.append(field).append(": ").append(text.substr(0, end)).append("\n");
    if (end == std::string_view::npos) return;
    const bool is_pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (is_pair ? 2 : 1));
  }
}

void append_line(std::string& out, std::string_view field, std::string_view text) {
  if (text.empty()) return;
  out.append(field).append(": ");
  for (const char c : text) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  out.append("\n");
}

}  // namespace

void begin_events(Responder& responder, int status, Headers headers) {
  headers.emplace_back("Cache-Control", "no-cache");
  headers.emplace_back("X-Accel-Buffering", "no");  // nginx would collect the pieces
  responder.begin(status, "text/event-stream; charset=utf-8", std::move(headers));
  responder.keep_alive(format_comment("ping"), kPingAfter);
}

std::string format_event(std::string_view name, std::string_view data, std::string_view id) {
  std::string out;
  out.reserve(name.size() + data.size() + id.size() + 32);
  append_line(out, "event", name);
  append_line(out, "id", id);
  append_lines(out, "data", data);
  out.append("\n");
  return out;
}

std::string format_comment(std::string_view text) {
  std::string out;
  append_lines(out, "", text);
  out.append("\n");
  return out;
}

void begin_json_lines(Responder& responder, int status, Headers headers) {
  headers.emplace_back("Cache-Control", "no-cache");
  headers.emplace_back("X-Accel-Buffering", "no");
  responder.begin(status, "application/x-ndjson", std::move(headers));
}

std::string format_json_line(const json::value& value) {
  return json::serialize(value) + "\n";
}

}  // namespace ondol::server
