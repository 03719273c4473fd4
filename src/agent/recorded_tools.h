// Tools that give the results that a session has, instead of doing anything: to let a model work anew on the same
// ground.
#pragma once

#include <memory>
#include <vector>

#include "agent/tool.h"

namespace ondol {

/// One for each of `tools`, which must outlive them. A call that the steps have gives its result: where it was made
/// several times, one after the other, and then the last one. Other calls are errors. Nothing is asked about, because
/// nothing happens.
std::vector<std::unique_ptr<Tool>> record_tools(const std::vector<Tool*>& tools, const std::vector<json::object>& steps);

}  // namespace ondol
