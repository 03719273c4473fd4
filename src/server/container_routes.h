// Containers of programs in OpenAI's shape, /v1/containers: made and removed by hand, their files put there and
// fetched. They are those of the Responses API's code_interpreter (code_containers.h).
#pragma once

#include <vector>

#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> container_routes(Services& services);

}  // namespace ondol::server
