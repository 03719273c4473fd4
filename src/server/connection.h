// Connection: one client's socket. Reads requests one after the other, each through the gate to its handler, and sends
// what the answers hold. Two coroutines: one reads all the time, so that a client that leaves is noticed while its
// answer is being made; one writes. Everything here runs on the I/O thread.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/answer.h"
#include "server/gate.h"
#include "server/request_parser.h"
#include "server/server.h"
#include "server/stream.h"

namespace ondol::server {

class Connection;

/// What all connections of a server share.
struct Core {
  Core(const ServerOptions& server_options, Router router, Server::Recorder server_recorder)
      : options(server_options), gate(server_options, std::move(router)), recorder(std::move(server_recorder)) {}

  ServerOptions options;
  Gate gate;
  Server::Recorder recorder;
  boost::asio::io_context io{1};
  std::set<std::shared_ptr<Connection>> connections;
  size_t all_bodies_bytes = 0;
  std::shared_ptr<std::atomic<bool>> is_stopping = std::make_shared<std::atomic<bool>>(false);
  std::function<void()> on_closed;  // after a connection has left the set
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  /// With `refuse`, every request is answered with 503.
  Connection(Core& core, std::unique_ptr<Stream> stream, std::string address, bool refuse);

  void start();
  /// At once. The answer's maker is told.
  void close();
  /// Closes now if no request is being read or answered, else after that one.
  void stop();
  /// Looks at the time: called a few times a second.
  void tick(Clock::time_point now);

 private:
  enum class State { kHandshake, kIdle, kHead, kBody, kAnswering, kLingering, kClosed };

  boost::asio::awaitable<void> read_loop();
  boost::asio::awaitable<void> write_loop();
  boost::asio::awaitable<bool> write_all(std::vector<std::string> pieces);

  void advance();
  void on_head();
  void on_request();
  void on_read_end();
  void on_timeout();
  void on_wake();
  void pour_body();
  bool count_body();
  std::shared_ptr<Answer> make_answer(bool keep_alive);
  void answer_error(const HttpError& error, bool keep_alive);
  void finish_answer(bool close_after);
  void end_request(bool gone);
  void linger();
  void enter(State state, Clock::duration time);
  void wake_writer();
  void wake_reader();

  Core& core_;
  std::unique_ptr<Stream> stream_;
  const std::string address_;
  const bool refuse_;

  State state_ = State::kHandshake;
  Clock::time_point deadline_;
  std::string in_;             // read and not yet parsed
  bool has_read_end_ = false;  // the client sends no more
  boost::asio::steady_timer reader_wait_;
  boost::asio::steady_timer writer_wait_;

  // Of the current request.
  std::optional<RequestParser> parser_;
  Clock::time_point started_;
  Verdict verdict_;
  std::optional<HttpError> rejection_;  // to answer with when the body has been read
  size_t counted_bytes_ = 0;            // of the body, in core_.all_bodies_bytes
  size_t poured_bytes_ = 0;             // of the body, into the request's sink
  std::shared_ptr<Answer> answer_;

  std::string interim_;  // "100 Continue", to write before the answer
  bool is_writing_ = false;
  Clock::time_point last_progress_;
};

}  // namespace ondol::server
