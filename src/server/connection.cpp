#include "server/connection.h"

#include <array>
#include <exception>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ondol::server {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr size_t kReadBytes = size_t{16} << 10;
constexpr size_t kWriteBytes = size_t{64} << 10;

// What a client may send ahead while an answer is being made. Beyond it, its leaving is noticed only by writing.
constexpr size_t kMaxAheadBytes = size_t{64} << 10;

// A refused request's body is read for the sake of the connection, if it is this small.
constexpr size_t kMaxIgnoredBodyBytes = size_t{64} << 10;

// After the last answer, for the client to read it and close: closing while it still sends would destroy the answer.
constexpr std::chrono::seconds kLingerTime{2};

constexpr std::chrono::hours kNoLimit{24 * 365};

}  // namespace

Connection::Connection(Core& core, std::unique_ptr<Stream> stream, std::string address, bool refuse)
    : core_(core),
      stream_(std::move(stream)),
      address_(std::move(address)),
      refuse_(refuse),
      reader_wait_(core.io, Clock::time_point::max()),
      writer_wait_(core.io, Clock::time_point::max()) {}

void Connection::start() {
  enter(State::kHandshake, core_.options.header_timeout);
  const auto closes = [self = shared_from_this()](std::exception_ptr failure) {
    if (failure) self->close();  // out of memory: this client alone is dropped
  };
  asio::co_spawn(
      core_.io, [self = shared_from_this()] { return self->read_loop(); }, closes);
  asio::co_spawn(
      core_.io, [self = shared_from_this()] { return self->write_loop(); }, closes);
}

void Connection::enter(State state, Clock::duration time) {
  state_ = state;
  deadline_ = Clock::now() + time;
}

asio::awaitable<void> Connection::read_loop() {
  if (const auto code = co_await stream_->handshake()) {
    close();
    co_return;
  }
  if (state_ == State::kClosed) co_return;
  enter(State::kIdle, core_.options.header_timeout);  // the first request must come soon
  std::array<char, kReadBytes> buffer;
  while (state_ != State::kClosed) {
    if (in_.size() >= kMaxAheadBytes && state_ == State::kAnswering) {
      co_await reader_wait_.async_wait(kAwait);
      continue;
    }
    const auto [code, bytes] = co_await stream_->read_some(asio::buffer(buffer));
    if (state_ == State::kClosed) break;
    if (code) {
      on_read_end();
      break;
    }
    if (state_ == State::kLingering) continue;
    in_.append(buffer.data(), bytes);
    advance();
  }
}

// Goes on with what has been read, as far as it reaches.
void Connection::advance() {
  while (state_ == State::kIdle || state_ == State::kHead || state_ == State::kBody) {
    if (state_ == State::kIdle) {
      while (in_.starts_with("\r\n")) in_.erase(0, 2);  // RFC 9112, section 2.2
      if (in_.empty() || in_ == "\r") break;
      parser_.emplace(core_.options.max_header_bytes);
      started_ = Clock::now();
      verdict_ = {};
      rejection_.reset();
      enter(State::kHead, core_.options.header_timeout);
    }
    const auto progress = parser_->feed(in_);
    if (progress == RequestParser::Progress::kFailed) {
      answer_error(parser_->error(), false);
      break;
    }
    if (progress == RequestParser::Progress::kHead) {
      on_head();
      continue;
    }
    pour_body();
    if (!count_body()) break;
    if (progress == RequestParser::Progress::kNeedMore) break;
    on_request();
  }
  if (has_read_end_ && state_ != State::kAnswering && state_ != State::kClosed) close();
}

void Connection::on_head() {
  const RequestHead& head = parser_->head();
  verdict_ = core_.gate.judge(head, address_, started_);
  std::optional<HttpError> error = verdict_.error;
  if (refuse_) {
    error = make_error(503, "this server has too many connections; try again");
    error->headers.emplace_back("Retry-After", "1");
  }
  const bool expects = verdict_.request->header("expect") == "100-continue" && !head.is_http_1_0;
  const bool is_small = !head.is_chunked && head.content_length <= kMaxIgnoredBodyBytes;
  if (error && (refuse_ || expects || !is_small)) {
    answer_error(*error, false);
    return;
  }
  rejection_ = std::move(error);
  const Route* route = rejection_ ? nullptr : verdict_.route;
  const size_t usual = rejection_ ? kMaxIgnoredBodyBytes : core_.options.max_body_bytes;
  parser_->set_max_body_bytes(route != nullptr && route->max_body_bytes > 0 ? route->max_body_bytes : usual);
  if (route != nullptr && route->make_sink) verdict_.request->sink = route->make_sink(*verdict_.request);
  enter(State::kBody, core_.options.body_timeout);
  if (expects && in_.empty()) {
    interim_ = "HTTP/1.1 100 Continue\r\n\r\n";
    wake_writer();
  }
}

// Hands on what has come of a body that is not held.
void Connection::pour_body() {
  if (!verdict_.request || !verdict_.request->sink) return;
  const std::string part = parser_->take_body_part();
  poured_bytes_ += part.size();
  if (!part.empty()) verdict_.request->sink->write(part);
}

// Keeps the sum of all bodies below its limit; false when this one was refused for it.
bool Connection::count_body() {
  const size_t bytes = parser_->body_bytes();
  core_.all_bodies_bytes += bytes - counted_bytes_;
  counted_bytes_ = bytes;
  if (bytes == 0 || core_.all_bodies_bytes <= core_.options.max_all_bodies_bytes) return true;
  HttpError error = make_error(503, "the server holds too many request bodies; try again");
  error.headers.emplace_back("Retry-After", "1");
  answer_error(error, false);
  return false;
}

std::shared_ptr<Answer> Connection::make_answer(bool keep_alive) {
  if (verdict_.request == nullptr) {  // not even a head
    verdict_.request = std::make_shared<Request>();
    verdict_.request->id = make_request_id();
    verdict_.request->client = verdict_.request->address = address_;
    verdict_.headers.emplace_back("x-request-id", verdict_.request->id);
  }
  Answer::Context context;
  context.request_id = verdict_.request->id;
  context.style = verdict_.style;
  context.headers = verdict_.headers;
  context.is_head = verdict_.request->method == "HEAD";
  context.is_http_1_0 = parser_ && parser_->head().is_http_1_0;
  context.keep_alive = keep_alive;
  context.max_unsent_bytes = core_.options.max_unsent_bytes;
  context.is_stopping = core_.is_stopping;
  context.wake = [weak = weak_from_this(), executor = core_.io.get_executor()] {
    asio::post(executor, [weak] {
      if (const auto self = weak.lock()) self->on_wake();
    });
  };
  answer_ = std::make_shared<Answer>(std::move(context));
  enter(State::kAnswering, kNoLimit);
  return answer_;
}

void Connection::answer_error(const HttpError& error, bool keep_alive) {
  const ResponderPtr responder = make_answer(keep_alive)->responder();
  send_error(*responder, verdict_.style, error);
}

void Connection::on_request() {
  const bool keep_alive = parser_->head().keep_alive;
  if (rejection_) {
    answer_error(*rejection_, keep_alive);
    return;
  }
  verdict_.request->body = parser_->take_body();
  const ResponderPtr responder = make_answer(keep_alive)->responder();
  if (verdict_.route == nullptr) {
    responder->send(204, "", "");
    return;
  }
  try {
    verdict_.route->handler(verdict_.request, responder);
  } catch (const std::exception& failure) {
    send_error(*responder, verdict_.style, make_error(500, std::string("the request failed: ") + failure.what()));
  }
}

void Connection::on_read_end() {
  has_read_end_ = true;
  // An answer that is complete is still sent: the client may have closed its side for writing only.
  if (state_ == State::kAnswering && answer_->has_ended()) return;
  close();
}

asio::awaitable<void> Connection::write_loop() {
  while (state_ != State::kClosed) {
    std::vector<std::string> pieces;
    Answer::Taken taken;
    if (!interim_.empty()) {
      pieces.push_back(std::exchange(interim_, {}));
    } else if (state_ == State::kAnswering) {
      taken = answer_->take();
      pieces = std::move(taken.pieces);
    }
    const bool has_written = !pieces.empty();
    if (has_written && !co_await write_all(std::move(pieces))) co_return;
    if (taken.has_ended) {
      finish_answer(taken.close);
      if (state_ != State::kLingering) continue;
      co_await stream_->finish_writing();
      co_return;
    }
    if (!has_written) co_await writer_wait_.async_wait(kAwait);
  }
}

// False when the connection is closed.
asio::awaitable<bool> Connection::write_all(std::vector<std::string> pieces) {
  is_writing_ = true;
  for (std::string& piece : pieces) {
    for (size_t offset = 0; offset < piece.size();) {
      last_progress_ = Clock::now();
      const size_t n = std::min(kWriteBytes, piece.size() - offset);
      const auto [code, bytes] = co_await stream_->write_some(asio::buffer(piece.data() + offset, n));
      if (code || state_ == State::kClosed) {
        close();
        co_return false;
      }
      offset += bytes;
      if (answer_) answer_->note_sent(bytes);
    }
    piece = {};
  }
  is_writing_ = false;
  co_return true;
}

// The answer's last byte has been written.
void Connection::finish_answer(bool close_after) {
  end_request(false);
  if (close_after || *core_.is_stopping) {
    enter(State::kLingering, kLingerTime);
    in_.clear();
    if (has_read_end_) close();
    wake_reader();
    return;
  }
  enter(State::kIdle, core_.options.idle_timeout);
  wake_reader();
  advance();
}

// Reports the request, if there is one, and gives back what it held.
void Connection::end_request(bool gone) {
  const std::shared_ptr<Answer> answer = std::move(answer_);
  answer_ = nullptr;
  if (answer) answer->leave();
  core_.all_bodies_bytes -= counted_bytes_;
  const size_t request_bytes = std::exchange(counted_bytes_, 0) + std::exchange(poured_bytes_, 0);
  parser_.reset();
  Verdict verdict = std::move(verdict_);
  verdict_ = {};
  if (!verdict.request || !core_.recorder) return;
  RequestRecord record;
  record.id = verdict.request->id;
  record.client = verdict.request->client;
  record.method = verdict.request->method;
  record.path = verdict.request->path;
  if (verdict.route != nullptr) record.route = verdict.route->pattern;
  record.status = answer ? answer->status() : 0;
  record.request_bytes = request_bytes;
  record.response_bytes = answer ? answer->body_bytes() : 0;
  record.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  record.gone = gone;
  core_.recorder(record);
}

void Connection::close() {
  if (state_ == State::kClosed) return;
  const std::shared_ptr<Connection> self = shared_from_this();
  state_ = State::kClosed;
  stream_->close();
  wake_reader();
  wake_writer();
  end_request(true);
  core_.connections.erase(self);
  if (core_.on_closed) core_.on_closed();
}

void Connection::stop() {
  if (state_ == State::kHandshake || state_ == State::kIdle || state_ == State::kHead) close();
}

void Connection::on_timeout() {
  if (state_ != State::kHead && state_ != State::kBody) {
    close();
    return;
  }
  const bool is_head = state_ == State::kHead;
  answer_error(
      make_error(408, fmt::format("the request's {} did not arrive within {} seconds", is_head ? "headers" : "body",
                                  (is_head ? core_.options.header_timeout : core_.options.body_timeout).count())),
      false);
}

void Connection::tick(Clock::time_point now) {
  if (now >= deadline_) on_timeout();
  if (is_writing_ && now - last_progress_ >= core_.options.write_timeout) close();
  if (answer_) answer_->tick(now);
}

void Connection::on_wake() {
  // A broken answer's connection is cut even while the writer waits for a client that takes nothing.
  if (answer_ && answer_->is_broken())
    close();
  else
    wake_writer();
}

void Connection::wake_writer() {
  writer_wait_.cancel();
}
void Connection::wake_reader() {
  reader_wait_.cancel();
}

}  // namespace ondol::server
