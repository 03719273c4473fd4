// Adapters over HTTP: the field "lora" of requests, and the routes by which adapters are put in and taken out.
#pragma once

#include <vector>

#include "server/adapter_registry.h"
#include "server/fields.h"
#include "server/services.h"

namespace ondol::server {

/// "lora": [{"id" or "name", "scale" or "factor"}], as llama.cpp's server has it.
AdapterChoices read_adapter_choices(const Fields& fields);

/// /v1/adapters; /v1/load_lora_adapter and unload_lora_adapter as vLLM has them; /lora-adapters as llama.cpp's server.
std::vector<Route> adapter_routes(Services& services);

}  // namespace ondol::server
