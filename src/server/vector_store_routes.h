// OpenAI's /v1/vector_stores, and answers out of them.
#pragma once

#include <vector>

#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> vector_store_routes(Services& services);

}  // namespace ondol::server
