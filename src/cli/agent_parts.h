// What the command line hands to agents: where they keep things, the owner's documents, a model.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/engine_agent_model.h"
#include "agent/work/agent_run.h"
#include "cli/options.h"

namespace ondol::cli {

/// Where agents keep sessions, approvals, notes and skills unless told otherwise.
std::string agent_folder();

/// With the documents of `store`, where there is one.
AgentPlaces agent_places(const std::string& data_folder, const std::string& store);

/// `goes_on` is asked while the model reads and writes; false ends that.
Result<std::shared_ptr<AgentModel>> open_agent_model(const ModelOptions& options, std::function<bool()> goes_on);

}  // namespace ondol::cli
