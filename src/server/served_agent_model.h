// ServedAgentModel: a model that the server has loaded as an agent's, generating through its scheduler: agents share
// passes with everybody else who asks, and what their prompts begin with alike is computed once. One for each agent.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/templated_agent_model.h"
#include "server/model_pool.h"

namespace ondol::server {

class ServedAgentModel final : public TemplatedAgentModel {
 public:
  struct Terms {
    AdapterSet adapters;
    std::string client;             // whose turn it takes
    std::function<bool()> goes_on;  // asked now and then, from several threads; false stops the answer, soon
  };
  /// Keeps the model loaded as long as it lives. Errors: a model that makes no text or has no chat template.
  static Result<std::unique_ptr<ServedAgentModel>> create(ModelUse model, Terms terms);

 protected:
  Result<Generated> continue_prompt(Continuation wish, const TextSink& sink) override;

 private:
  ServedAgentModel(ModelUse model, Terms terms);

  ModelUse model_;
  Terms terms_;
};

/// With a model of the pool, or one of its adapters, by name ("": the default), once it is loaded. Errors as those of
/// wait_for_model and create.
Result<std::shared_ptr<AgentModel>> open_served_agent_model(ModelPool& pool, const std::string& name,
                                                            std::function<bool()> goes_on);

}  // namespace ondol::server
