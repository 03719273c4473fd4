#include "server/event_writer.h"

#include "server/event_stream.h"

namespace ondol::server {

void EventWriter::begin() {
  if (has_begun_) return;
  has_begun_ = true;
  begin_events(*responder_, 200, headers_);
}

void EventWriter::event(std::string_view name, std::string_view text) {
  pending_ += format_event(name, text);
}

void EventWriter::flush() {
  if (pending_.empty()) return;
  begin();
  responder_->write(std::move(pending_));
  pending_ = std::string();
}

void EventWriter::end() {
  flush();
  responder_->end();
}

void EventWriter::fail(ErrorStyle style, const HttpError& error, std::string_view name) {
  if (!has_begun_) return send_error(*responder_, style, error);
  event(name, error_body(style, error, responder_->request_id()));
  end();
}

}  // namespace ondol::server
