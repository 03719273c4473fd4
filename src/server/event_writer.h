// EventWriter: an answer as server-sent events that are collected and sent together, with errors told in the way that
// is left: by status before the first event, as an event afterwards.
#pragma once

#include <string>
#include <string_view>

#include "server/http.h"

namespace ondol::server {

class EventWriter {
 public:
  /// `headers` are those of the answer, if it begins with an event.
  explicit EventWriter(ResponderPtr responder, Headers headers = {})
      : responder_(std::move(responder)), headers_(std::move(headers)) {}

  /// Status 200, and pings while nothing comes. Calls after the first do nothing.
  void begin();
  bool has_begun() const { return has_begun_; }

  /// Collects an event; flush() sends what was collected.
  void data(std::string_view text) { event({}, text); }
  void event(std::string_view name, std::string_view text);
  void flush();
  void end();

  /// The last call. `name` is that of the event.
  void fail(ErrorStyle style, const HttpError& error, std::string_view name = {});

 private:
  ResponderPtr responder_;
  Headers headers_;
  std::string pending_;
  bool has_begun_ = false;
};

}  // namespace ondol::server
