// /mcp: the Model Context Protocol over HTTP.
#pragma once

#include <vector>

#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> mcp_routes(Services& services);

}  // namespace ondol::server
