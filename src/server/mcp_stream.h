// Outlets of MCP over HTTP. McpAnswer is the answer to one POST of a client without a session. McpStream belongs to a
// session: what was sent stays for a while, so that a client whose connection was cut can take it up again.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "agent/mcp/outlet.h"
#include "server/http.h"

namespace ondol::server {

/// JSON where the answer is all that there is to say, else server-sent events.
class McpAnswer : public mcp::Outlet {
 public:
  explicit McpAnswer(ResponderPtr responder) : responder_(std::move(responder)) {}
  void send(const json::object& message) override;
  void finish(const json::value& answer, int http_status) override;
  void drop() override;

 private:
  const ResponderPtr responder_;
  std::mutex mutex_;
  bool has_begun_ = false;
  bool has_ended_ = false;
};

class McpStream : public mcp::Outlet {
 public:
  /// `id` is [a-z0-9]+, one of its session. `primes`: streams begin with an event that only has an id. A stream that
  /// belongs to a request begins with a responder; the one of what belongs to none has none until it is attached.
  McpStream(std::string id, bool primes, ResponderPtr responder);

  void send(const json::object& message) override;
  void finish(const json::value& answer, int http_status) override;
  void drop() override;
  /// Ends the connection, if the client knows how to come back.
  void release() override;

  /// Goes on with another connection, behind the event of this number; a negative one is all that was not yet sent.
  void attach(const std::shared_ptr<McpStream>& self, ResponderPtr responder, int64_t after);
  /// Notices when the first connection is cut. Once, behind the constructor.
  void watch(const std::shared_ptr<McpStream>& self);
  bool has_ended() const;

  const std::string& id() const { return id_; }

 private:
  struct Event {
    int64_t number;
    std::string data;
  };
  void add(std::string data);
  void begin_locked();
  void write_locked(const Event& event);
  static void detach_when_gone(const std::shared_ptr<McpStream>& self, const ResponderPtr& responder);

  const std::string id_;
  const bool primes_;
  mutable std::mutex mutex_;
  ResponderPtr responder_;
  bool has_begun_ = false;  // the responder
  bool has_ended_ = false;
  bool ever_began_ = false;
  int64_t next_number_ = 1;
  int64_t n_sent_ = 0;
  size_t kept_bytes_ = 0;
  std::deque<Event> kept_;
};

}  // namespace ondol::server
