// Files that clients send to be kept: OpenAI's /v1/files.
#pragma once

#include <vector>

#include "server/file_store.h"
#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> file_routes(Services& services);

/// 404.
HttpError unknown_file(const std::string& id, std::string parameter);

}  // namespace ondol::server
