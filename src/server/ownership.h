// Whose things are: what a client keeps here belongs to the API key that it asked with. Without keys there is one
// owner, whose name is "".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/http.h"

namespace ondol::server {

/// The name of the key, or "" where none was needed.
inline std::string owner_of(const Request& request) {
  return request.client == request.address ? "" : request.client;
}

/// What was kept before there were keys is for everybody who may ask.
inline bool may_see(const std::string& asker, const std::string& owner) {
  return owner.empty() || owner == asker;
}

/// What changes files of this machine, or reads them, takes a key unless it is asked for on this machine: 403.
/// `what`: "adapters are changed".
inline std::optional<HttpError> check_right(const Request& request, std::string_view what) {
  const bool is_local = request.address == "::1" || request.address.starts_with("127.");
  if (!owner_of(request).empty() || is_local) return {};
  return make_error(403, std::string(what) + " from this machine, or with a key (start the server with --api-key)",
                    "not_allowed");
}

}  // namespace ondol::server
