// Server: answers what MCP clients ask about a Catalog, in every revision, whatever the transport (stdio_server.h here,
// server/mcp_http.h for HTTP). Clients of 2026-07-28 are served from each request alone; others shake hands first.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/json_rpc.h"
#include "agent/mcp/catalog.h"
#include "agent/mcp/outlet.h"
#include "agent/mcp/sealed_state.h"
#include "agent/mcp/server_call.h"
#include "agent/mcp/session.h"

namespace ondol::mcp {

struct ServerOptions {
  std::string name = "ondol";
  std::string title = "Ondol";
  std::string version;
  std::string instructions = {};  // for the model behind the client
  size_t page_size = 100;         // of lists
  int64_t ttl_ms = 10'000;        // for which a client may keep lists and resources
  int n_threads = 16;             // calls at once
  size_t most_waiting = 256;
};

/// A running request, to be given up. Null functions: nothing is running.
using Canceller = std::function<void()>;

/// All of it from any thread, except that it must not be destroyed by a thread of its own.
class Server {
 public:
  Server(std::shared_ptr<Catalog> catalog, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;

  /// Whether a request is of a revision without handshakes, as its own words say.
  static bool is_stateless(const RpcMessage& request);

  /// Answers a request that stands for itself.
  Canceller answer(RpcMessage request, OutletPtr outlet, std::string principal = {});

  /// Answers `initialize`. Nothing, when it was refused.
  std::shared_ptr<Session> open_session(const RpcMessage& initialize, Outlet& outlet);
  /// A request, notification or response of a client that shook hands.
  void take(const std::shared_ptr<Session>& session, RpcMessage message, OutletPtr outlet);

  /// Calls that have no answer yet.
  size_t n_running();
  /// Ends what is running, and subscriptions. Before what the catalog uses is gone.
  void stop();

  const Catalog& catalog() const { return *catalog_; }

 private:
  struct Threads;
  struct Listener {
    json::value id;
    bool tools = false, prompts = false, resources = false;
    std::vector<std::string> uris;
    OutletPtr outlet;
  };
  using Method = Reply (Server::*)(ServerCall& call);

  Method find_method(std::string_view name) const;
  void begin(const std::shared_ptr<ServerCall>& call);
  Reply run(ServerCall& call, Method method);
  json::object common_of(std::string_view method) const;
  json::object capabilities() const;
  json::object identity() const;

  Reply discover(ServerCall& call);
  Reply list_tools(ServerCall& call);
  Reply call_tool(ServerCall& call);
  Reply list_prompts(ServerCall& call);
  Reply get_prompt(ServerCall& call);
  Reply list_resources(ServerCall& call);
  Reply list_templates(ServerCall& call);
  Reply read_resource(ServerCall& call);
  Reply complete(ServerCall& call);
  Reply set_log_level(ServerCall& call);
  Reply subscribe(ServerCall& call);
  Reply unsubscribe(ServerCall& call);
  Reply ping(ServerCall& call);
  Reply page(ServerCall& call, std::string_view member, json::array all) const;

  Canceller listen(const RpcMessage& request, OutletPtr outlet);
  void on_change(const Change& change);

  const std::shared_ptr<Catalog> catalog_;
  const ServerOptions options_;
  const SealedState seal_;
  std::mutex mutex_;
  bool is_stopped_ = false;
  std::list<std::shared_ptr<Listener>> listeners_;
  std::vector<std::weak_ptr<Session>> sessions_;
  std::map<ServerCall*, std::weak_ptr<ServerCall>> running_;
  int catalog_listener_ = -1;
  std::unique_ptr<Threads> threads_;  // ends first
};

}  // namespace ondol::mcp
