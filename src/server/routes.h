// All routes of the server.
#pragma once

#include <vector>

#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> all_routes(Services& services);

/// The page that is built into the program.
std::vector<Route> page_routes();

}  // namespace ondol::server
