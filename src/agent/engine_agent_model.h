// EngineAgentModel: an AgentModel on an Engine of this process, with one Session whose keys and values are kept from
// turn to turn: of a prompt that begins as the last one did, only the rest is evaluated.
#pragma once

#include "agent/templated_agent_model.h"
#include "runtime/engine.h"
#include "runtime/session.h"
#include "runtime/speculation.h"

namespace ondol {

class EngineAgentModel final : public TemplatedAgentModel {
 public:
  /// Error: a model without a chat template. `goes_on` is asked while a prompt is evaluated; false ends that with an
  /// error.
  static Result<std::unique_ptr<EngineAgentModel>> create(std::unique_ptr<Engine> engine, std::string name,
                                                          std::function<bool()> goes_on = {});

 protected:
  Result<Generated> continue_prompt(Continuation wish, const TextSink& sink) override;

 private:
  EngineAgentModel(std::unique_ptr<Engine> engine, Parts parts, std::function<bool()> goes_on);

  std::unique_ptr<Engine> engine_;
  Session session_;
  Speculation speculation_;
  std::function<bool()> goes_on_;
};

}  // namespace ondol
