// All routes of the server.
#pragma once

#include <vector>

#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> all_routes(Services& services);

/// The page that is built into the program.
std::vector<Route> page_routes();

/// "/" of a server without a page: a word for those who look there whether it runs, as Ollama's clients do.
std::vector<Route> pageless_routes();

}  // namespace ondol::server
