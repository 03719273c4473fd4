// Waiting for a model of the pool, for threads that may be held up.
#pragma once

#include <functional>
#include <string>

#include "server/model_pool.h"

namespace ondol::server {

/// Waits until the model is loaded. Errors: there is none of this name, it cannot be loaded, or `goes_on`, which is
/// asked ten times a second, says no.
Result<ModelPool::Outcome> wait_for_model(ModelPool& pool, const std::string& name,
                                          const std::function<bool()>& goes_on);

}  // namespace ondol::server
