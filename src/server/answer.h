// Answer: one response on its way, between the threads that make it and the connection that sends it. Frames bytes;
// knows no sockets.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http.h"

namespace ondol::server {

class Answer : public std::enable_shared_from_this<Answer> {
 public:
  struct Context {
    std::string request_id;
    ErrorStyle style = ErrorStyle::kOpenAi;
    Headers headers;  // of every answer to this request
    bool is_head = false;
    bool is_http_1_0 = false;
    bool keep_alive = true;  // what the client and the state of the connection allow
    size_t max_unsent_bytes = 0;
    std::shared_ptr<const std::atomic<bool>> is_stopping;
    std::function<void()> wake;  // called from any thread, with a lock held: must only post
  };
  explicit Answer(Context context) : context_(std::move(context)) {}

  /// For the handler. Abandons the answer with its last reference.
  ResponderPtr responder();

  void send(int status, std::string_view content_type, std::string body, const Headers& headers);
  void begin(int status, std::string_view content_type, const Headers& headers);
  void write(std::string_view piece);
  void end();
  void keep_alive(std::string piece, std::chrono::milliseconds silence);
  void on_gone(std::function<void()> callback);
  bool is_gone() const { return is_gone_.load(std::memory_order_acquire); }
  const std::string& request_id() const { return context_.request_id; }
  void abandon();

  // For the connection, on the I/O thread.

  struct Taken {
    std::vector<std::string> pieces;  // framed
    bool has_ended = false;           // nothing comes after them
    bool close = false;               // after them
  };
  Taken take();
  void note_sent(size_t bytes);
  bool has_ended() const;
  /// The client took too little, or nobody ends the answer: the connection is to be cut.
  bool is_broken() const;
  /// The client has gone, or is dropped: nothing more is taken, and no call reaches `wake` after this.
  void leave();
  /// Writes the keep-alive piece when it is due.
  void tick(std::chrono::steady_clock::time_point now);

  int status() const;
  size_t body_bytes() const;

 private:
  enum class Phase { kNothing, kBegun, kEnded };

  std::string head(int status, std::string_view content_type, const Headers& headers, int64_t length) const;
  void append(std::string bytes);
  void append_piece(std::string_view piece);
  void wake();
  void break_off();

  Context context_;
  mutable std::mutex mutex_;
  Phase phase_ = Phase::kNothing;
  int status_ = 0;
  size_t body_bytes_ = 0;
  size_t unsent_bytes_ = 0;
  bool close_ = false;
  bool is_broken_ = false;
  bool is_woken_ = false;
  bool has_body_ = false;
  bool is_chunked_ = false;
  std::vector<std::string> pieces_;
  std::function<void()> on_gone_;
  std::string ping_;
  std::chrono::milliseconds ping_after_{};
  std::chrono::steady_clock::time_point last_write_{};
  std::atomic<bool> is_gone_{false};
};

}  // namespace ondol::server
