#include "server/mcp_stream.h"

#include <utility>

#include <fmt/format.h>

#include "server/event_stream.h"

namespace ondol::server {
namespace {

constexpr size_t kMostKeptEvents = 1000;
constexpr size_t kMostKeptBytes = size_t{16} << 20;
constexpr int kRetryMs = 1000;

}  // namespace

void McpAnswer::send(const json::object& message) {
  const std::lock_guard lock(mutex_);
  if (has_ended_) return;
  if (!std::exchange(has_begun_, true)) begin_events(*responder_);
  responder_->write(format_data(json_text(message)));
}

void McpAnswer::finish(const json::value& answer, int http_status) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(has_ended_, true)) return;
  if (!has_begun_) return responder_->send(http_status, "application/json", json_text(answer));
  responder_->write(format_data(json_text(answer)));
  responder_->end();
}

void McpAnswer::drop() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(has_ended_, true)) return;
  if (!has_begun_) begin_events(*responder_);
  responder_->end();
}

McpStream::McpStream(std::string id, bool primes, ResponderPtr responder)
    : id_(std::move(id)), primes_(primes), responder_(std::move(responder)) {}

void McpStream::begin_locked() {
  if (std::exchange(has_begun_, true)) return;
  begin_events(*responder_);
  if (primes_ && !std::exchange(ever_began_, true))
    responder_->write(fmt::format("id: {}-0\nretry: {}\ndata: \n\n", id_, kRetryMs));
}

void McpStream::write_locked(const Event& event) {
  begin_locked();
  responder_->write(format_event({}, event.data, fmt::format("{}-{}", id_, event.number)));
  n_sent_ = event.number;
}

void McpStream::add(std::string data) {
  kept_bytes_ += data.size();
  kept_.push_back({next_number_++, std::move(data)});
  while (kept_.size() > 1 && (kept_.size() > kMostKeptEvents || kept_bytes_ > kMostKeptBytes)) {
    kept_bytes_ -= kept_.front().data.size();
    kept_.pop_front();
  }
  if (responder_ != nullptr) write_locked(kept_.back());
}

void McpStream::send(const json::object& message) {
  const std::lock_guard lock(mutex_);
  if (!has_ended_) add(json_text(message));
}

void McpStream::finish(const json::value& answer, int http_status) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(has_ended_, true)) return;
  if (responder_ != nullptr && !has_begun_ && kept_.empty() && !ever_began_) {
    std::exchange(responder_, nullptr)->send(http_status, "application/json", json_text(answer));
    return;
  }
  add(json_text(answer));
  if (responder_ != nullptr) std::exchange(responder_, nullptr)->end();
}

void McpStream::drop() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(has_ended_, true)) return;
  if (responder_ == nullptr) return;
  begin_locked();
  std::exchange(responder_, nullptr)->end();
}

void McpStream::release() {
  const std::lock_guard lock(mutex_);
  if (!primes_ || has_ended_ || responder_ == nullptr) return;
  begin_locked();
  std::exchange(responder_, nullptr)->end();
  has_begun_ = false;
}

void McpStream::attach(const std::shared_ptr<McpStream>& self, ResponderPtr responder, int64_t after) {
  {
    const std::lock_guard lock(mutex_);
    if (responder_ != nullptr && has_begun_) responder_->end();
    responder_ = responder;
    has_begun_ = false;
    begin_locked();
    const int64_t sent = after < 0 ? n_sent_ : after;
    for (const Event& event : kept_)
      if (event.number > sent) write_locked(event);
    if (has_ended_) {
      std::exchange(responder_, nullptr)->end();
      return;
    }
  }
  detach_when_gone(self, responder);
}

void McpStream::watch(const std::shared_ptr<McpStream>& self) {
  ResponderPtr responder;
  {
    const std::lock_guard lock(mutex_);
    responder = responder_;
  }
  if (responder != nullptr) detach_when_gone(self, responder);
}

// Without the lock: it may be called at once.
void McpStream::detach_when_gone(const std::shared_ptr<McpStream>& self, const ResponderPtr& responder) {
  responder->on_gone([weak = std::weak_ptr(self), gone = responder.get()] {
    const auto stream = weak.lock();
    if (stream == nullptr) return;
    const std::lock_guard lock(stream->mutex_);
    if (stream->responder_.get() == gone) stream->responder_ = nullptr;
  });
}

bool McpStream::has_ended() const {
  const std::lock_guard lock(mutex_);
  return has_ended_;
}

}  // namespace ondol::server
