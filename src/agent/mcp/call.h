// Call: one request of a client while it is answered, as the tool, prompt or resource sees it.
#pragma once

#include <string>
#include <string_view>

#include "agent/mcp/revision.h"
#include "base/json.h"
#include "base/result.h"

namespace ondol::mcp {

class Call {
 public:
  virtual ~Call() = default;

  virtual Revision revision() const = 0;
  /// False: the client has given up, or the server ends. Asked now and then by what takes long.
  virtual bool goes_on() const = 0;
  /// "elicitation", "sampling" or "roots".
  virtual bool client_can(std::string_view capability) const = 0;

  /// Told to the client if it asked for that. `done` only grows; `total` is 0 where it is unknown.
  virtual void progress(double done, double total, std::string_view message = {}) = 0;
  virtual void log(LogLevel level, std::string_view logger, json::value data) = 0;

  /// Asks the client: "elicitation/create", "sampling/createMessage" or "roots/list". `key` names the question among
  /// those of this call. Error: the client cannot, has given up, or has yet to answer; the call then ends soon.
  ///
  /// Where there are no sessions, the client is asked by the end of the call, and calls again with its answer: what the
  /// call did before the question is done once more. So nothing is changed before all questions are answered, and they
  /// may depend on each other's answers. Between questions that do not, errors can wait: they are then asked together.
  virtual Result<json::object> ask(std::string_view key, std::string_view method, json::object params) = 0;
  /// A question was asked that has no answer yet: whatever the call returns, it will be made again.
  virtual bool is_waiting() const = 0;

  /// The connection may be given up meanwhile; the client comes back for the rest (2025-11-25 over HTTP, else nothing
  /// happens). For what takes minutes.
  virtual void release_connection() = 0;
};

}  // namespace ondol::mcp
