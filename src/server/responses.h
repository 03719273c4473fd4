// OpenAI's Responses API: POST /v1/responses and what belongs to it.
#pragma once

#include <memory>
#include <vector>

#include "server/http.h"
#include "server/responses_store.h"
#include "server/services.h"

namespace ondol::server {

/// With a store in memory.
std::vector<Route> response_routes(Services& services);

/// With a store of the caller's.
std::vector<Route> response_routes_in(Services& services, const std::shared_ptr<ResponseStore>& store);

}  // namespace ondol::server
