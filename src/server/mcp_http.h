// MCP over Streamable HTTP: one path for clients of all revisions. What 2026-07-28 asks is answered from each POST
// alone; older clients have sessions, streams to listen to (GET), and an end (DELETE). Who may ask at all, and from
// which pages, is decided by the gate as for every route.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/mcp/server.h"
#include "server/http.h"
#include "server/mcp_stream.h"
#include "server/workers.h"

namespace ondol::server {

class McpHttp {
 public:
  /// Both live longer than the routes.
  McpHttp(mcp::Server& server, Workers& workers) : server_(server), workers_(workers) {}

  /// `kept` lives as long as routes and what they have begun.
  std::vector<Route> routes(const std::string& path = "/mcp", const std::shared_ptr<void>& kept = nullptr);

  struct Limits {
    size_t sessions = 256;
    std::chrono::seconds idle{3600};
    size_t ended_streams = 16;  // that are kept for those who lost their connection
  };

 private:
  using Clock = std::chrono::steady_clock;
  struct Client {
    std::shared_ptr<mcp::Session> session;
    std::string owner;  // who began it, by the gate's name
    std::shared_ptr<McpStream> standalone;
    std::list<std::shared_ptr<McpStream>> streams;  // of requests
    int64_t n_streams = 0;
    Clock::time_point last_used;
  };
  using ClientPtr = std::shared_ptr<Client>;

  void post(const Request& request, const ResponderPtr& responder);
  void get(const Request& request, const ResponderPtr& responder);
  void remove(const Request& request, const ResponderPtr& responder);
  void take_stateless(const Request& request, RpcMessage message, const ResponderPtr& responder);
  void take_batch(const Request& request, const json::array& batch, const ResponderPtr& responder);
  void open_session(const Request& request, const RpcMessage& initialize, const ResponderPtr& responder);
  /// Null when it was answered with an error.
  ClientPtr find_client(const Request& request, const json::value& id, Responder& responder);
  std::shared_ptr<McpStream> new_stream(Client& client, ResponderPtr responder);
  void forget_idle_locked();

  mcp::Server& server_;
  Workers& workers_;
  const Limits limits_ = {};
  std::mutex mutex_;
  std::map<std::string, ClientPtr> clients_;  // by session
};

}  // namespace ondol::server
