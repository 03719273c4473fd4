// Outlet: the way back to a client for what belongs to one request: a line on standard output, an HTTP answer.
#pragma once

#include <memory>

#include "base/json.h"

namespace ondol::mcp {

/// From any thread. After finish() or drop(), calls are ignored.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// A notification or a request, before the answer.
  virtual void send(const json::object& message) = 0;
  /// The answer, which is the last: a response, or the responses of a batch. `http_status` where that says more.
  virtual void finish(const json::value& answer, int http_status = 200) = 0;
  /// There will be no answer.
  virtual void drop() = 0;
  /// The connection may be closed until something more is to be said.
  virtual void release() {}
};
using OutletPtr = std::shared_ptr<Outlet>;

}  // namespace ondol::mcp
