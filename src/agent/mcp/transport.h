// Transport: how a client's messages reach a server and the server's come back: a child process (stdio_transport.h) or
// Streamable HTTP (http_transport.h). One thread at a time; listeners
// are called from that or another, never two at once.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/json_rpc.h"
#include "agent/mcp/headers.h"
#include "agent/mcp/revision.h"
#include "base/result.h"

namespace ondol::mcp {

/// How long to wait, and for what.
struct Patience {
  std::chrono::steady_clock::time_point last_moment;
  std::function<bool()> goes_on;  // asked now and then; null: it does
  bool is_over() const { return std::chrono::steady_clock::now() > last_moment || (goes_on != nullptr && !goes_on()); }
};

/// The response to a request.
struct Response {
  RpcMessage message;
  int http_status = 0;  // 0: not over HTTP. Beside 200, what came may be no message of the protocol: see is_of_protocol
  bool is_of_protocol = true;
};

class Transport {
 public:
  virtual ~Transport() = default;

  /// Takes what the server says meanwhile: notifications and requests. A request's answer is sent back.
  using Listener = std::function<std::optional<json::object>(const RpcMessage& message)>;

  /// Sends a request and waits for its response. Error: the server is gone, babbles, or took too long; it has been told
  /// that the answer is not wanted any more.
  virtual Result<Response> exchange(const json::object& request, const std::vector<MirroredArgument>& mirrored,
                                    const Patience& patience, const Listener& listener) = 0;
  virtual Result<void> notify(const json::object& notification) = 0;

  /// Hears what a server says that belongs to no request, from now until close(): over HTTP, before 2026-07-28, on a
  /// stream and a thread of its own.
  virtual void listen(Listener listener) = 0;

  /// What was agreed on. `session` is true for revisions with a handshake.
  virtual void set_revision(Revision revision) = 0;
  /// Whether a server must be asked with a request what it speaks, because nothing else tells.
  virtual bool needs_mirrored_arguments() const = 0;
  /// For messages: the command, or the URL without secrets.
  virtual std::string name() const = 0;
  /// Ends the session. Also done by the destructor.
  virtual void close() = 0;
};

}  // namespace ondol::mcp
