#include "server/answer.h"

#include <ctime>

#include <fmt/format.h>

namespace ondol::server {
namespace {

// Small pieces are joined in buffers of about this size.
constexpr size_t kJoinBytes = size_t{16} << 10;

constexpr int64_t kUnknownLength = -1;

// RFC 9110, section 5.6.7, in English whatever the locale.
std::string http_date() {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm time{};
  gmtime_r(&now, &time);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[time.tm_wday], time.tm_mday, kMonths[time.tm_mon],
                     time.tm_year + 1900, time.tm_hour, time.tm_min, time.tm_sec);
}

// Header values come from handlers, which may have them from elsewhere: a line end must not begin a new header.
void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  out.append("\r\n");
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

// What a handler holds.
class Handle final : public Responder {
 public:
  explicit Handle(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~Handle() override { answer_->abandon(); }

  void send(int status, std::string_view content_type, std::string body, Headers headers) override {
    answer_->send(status, content_type, std::move(body), headers);
  }
  void begin(int status, std::string_view content_type, Headers headers) override {
    answer_->begin(status, content_type, headers);
  }
  void write(std::string piece) override { answer_->write(piece); }
  void end() override { answer_->end(); }
  void keep_alive(std::string piece, std::chrono::milliseconds silence) override {
    answer_->keep_alive(std::move(piece), silence);
  }
  void on_gone(std::function<void()> callback) override { answer_->on_gone(std::move(callback)); }
  bool is_gone() const override { return answer_->is_gone(); }
  std::string_view request_id() const override { return answer_->request_id(); }

 private:
  std::shared_ptr<Answer> answer_;
};

}  // namespace

ResponderPtr Answer::responder() {
  return std::make_shared<Handle>(shared_from_this());
}

std::string Answer::head(int status, std::string_view content_type, const Headers& headers, int64_t length) const {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  append_header(out, "Date", http_date());
  if (may_have_body(status) && !content_type.empty()) append_header(out, "Content-Type", content_type);
  for (const auto& [name, value] : context_.headers) append_header(out, name, value);
  for (const auto& [name, value] : headers) append_header(out, name, value);
  append_header(out, "X-Content-Type-Options", "nosniff");
  if (is_chunked_) append_header(out, "Transfer-Encoding", "chunked");
  if (length != kUnknownLength && may_have_body(status))
    append_header(out, "Content-Length", fmt::format("{}", length));
  if (close_) append_header(out, "Connection", "close");
  if (!close_ && context_.is_http_1_0) append_header(out, "Connection", "keep-alive");
  out.append("\r\n");
  return out;
}

void Answer::send(int status, std::string_view content_type, std::string body, const Headers& headers) {
  std::function<void()> forgotten;  // destroyed without the lock: it may hold the last reference to a handle
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kNothing || is_gone()) return;
  phase_ = Phase::kEnded;
  status_ = status;
  forgotten.swap(on_gone_);
  has_body_ = may_have_body(status) && !context_.is_head;
  close_ = !context_.keep_alive || *context_.is_stopping;
  append(head(status, content_type, headers, static_cast<int64_t>(body.size())));
  if (has_body_) {
    body_bytes_ = body.size();
    append(std::move(body));
  }
  wake();
}

void Answer::begin(int status, std::string_view content_type, const Headers& headers) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kNothing || is_gone()) return;
  phase_ = Phase::kBegun;
  status_ = status;
  has_body_ = may_have_body(status) && !context_.is_head;
  is_chunked_ = may_have_body(status) && !context_.is_http_1_0;
  // A body without a length in HTTP/1.0 ends with the connection.
  close_ = !context_.keep_alive || *context_.is_stopping || (context_.is_http_1_0 && may_have_body(status));
  append(head(status, content_type, headers, kUnknownLength));
  last_write_ = std::chrono::steady_clock::now();
  wake();
}

void Answer::append(std::string bytes) {
  unsent_bytes_ += bytes.size();
  if (!pieces_.empty() && pieces_.back().size() + bytes.size() <= kJoinBytes)
    pieces_.back().append(bytes);
  else if (!bytes.empty())
    pieces_.push_back(std::move(bytes));
}

void Answer::append_piece(std::string_view piece) {
  if (piece.empty() || !has_body_) return;
  body_bytes_ += piece.size();
  std::string framed;
  framed.reserve(piece.size() + 16);
  if (is_chunked_) framed = fmt::format("{:x}\r\n", piece.size());
  framed.append(piece);
  if (is_chunked_) framed.append("\r\n");
  append(std::move(framed));
}

void Answer::write(std::string_view piece) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kBegun || is_gone()) return;
  // One piece that is larger than the buffer may still pass when nothing else waits.
  if (unsent_bytes_ > 0 && unsent_bytes_ + piece.size() > context_.max_unsent_bytes)
    break_off();
  else
    append_piece(piece);
  last_write_ = std::chrono::steady_clock::now();
  wake();
}

void Answer::break_off() {
  is_broken_ = true;
  is_gone_.store(true, std::memory_order_release);
  pieces_.clear();
  is_woken_ = false;  // the connection may be busy writing and would not look
}

void Answer::end() {
  std::function<void()> forgotten;
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kBegun || is_gone()) return;
  phase_ = Phase::kEnded;
  forgotten.swap(on_gone_);
  if (is_chunked_ && has_body_) append("0\r\n\r\n");
  wake();
}

void Answer::keep_alive(std::string piece, std::chrono::milliseconds silence) {
  const std::lock_guard lock(mutex_);
  ping_ = std::move(piece);
  ping_after_ = silence;
}

void Answer::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::kEnded) return;
    if (!is_gone()) {
      on_gone_.swap(callback);  // an earlier one is destroyed without the lock
      return;
    }
  }
  callback();
}

void Answer::abandon() {
  bool has_begun;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::kEnded || is_gone()) return;
    has_begun = phase_ == Phase::kBegun;
    if (has_begun) {
      break_off();
      wake();
    }
  }
  if (!has_begun)
    send(500, "application/json",
         error_body(context_.style, make_error(500, "the request was not answered"), request_id()), {});
}

Answer::Taken Answer::take() {
  const std::lock_guard lock(mutex_);
  is_woken_ = false;
  Taken taken;
  taken.pieces = std::move(pieces_);
  pieces_.clear();
  taken.has_ended = phase_ == Phase::kEnded;
  taken.close = close_;
  return taken;
}

void Answer::note_sent(size_t bytes) {
  const std::lock_guard lock(mutex_);
  unsent_bytes_ -= std::min(bytes, unsent_bytes_);
}

bool Answer::has_ended() const {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::kEnded;
}

bool Answer::is_broken() const {
  const std::lock_guard lock(mutex_);
  return is_broken_;
}

void Answer::leave() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    is_gone_.store(true, std::memory_order_release);
    pieces_.clear();
    context_.wake = nullptr;
    callback.swap(on_gone_);
  }
  if (callback) callback();
}

void Answer::tick(std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kBegun || ping_.empty() || now - last_write_ < ping_after_) return;
  last_write_ = now;
  if (unsent_bytes_ > 0) return;  // the client has something to read
  append_piece(ping_);
  wake();
}

int Answer::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

size_t Answer::body_bytes() const {
  const std::lock_guard lock(mutex_);
  return body_bytes_;
}

void Answer::wake() {
  if (is_woken_ || !context_.wake) return;
  is_woken_ = true;
  context_.wake();
}

}  // namespace ondol::server
