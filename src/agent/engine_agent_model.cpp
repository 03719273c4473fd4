#include "agent/engine_agent_model.h"

#include "runtime/load_text.h"

namespace ondol {

EngineAgentModel::EngineAgentModel(std::unique_ptr<Engine> engine, Parts parts, std::function<bool()> goes_on)
    : TemplatedAgentModel(std::move(parts)),
      engine_(std::move(engine)),
      session_(*engine_),
      speculation_(session_),
      goes_on_(std::move(goes_on)) {}

Result<std::unique_ptr<EngineAgentModel>> EngineAgentModel::create(std::unique_ptr<Engine> engine, std::string name,
                                                                   std::function<bool()> goes_on) {
  if (engine->chat_template() == nullptr) {
    return Error(engine->file().path() + ": expected a model with a chat template, which can follow instructions");
  }
  Parts parts{.name = std::move(name),
              .context_length = engine->context_length(),
              .tokenizer = engine->shared_tokenizer(),
              .chat_template = *engine->chat_template(),
              .template_source = ONDOL_TRY(load_template_source(engine->file()))};
  return std::unique_ptr<EngineAgentModel>(
      new EngineAgentModel(std::move(engine), std::move(parts), std::move(goes_on)));
}

Result<Generated> EngineAgentModel::continue_prompt(Continuation wish, const TextSink& sink) {
  Sampler sampler = ONDOL_TRY(Sampler::create(wish.sampling, tokenizer()));
  const auto goes_on = [this] { return !goes_on_ || goes_on_(); };
  const auto progress = [&](int, int) { return goes_on(); };
  const auto told = [&](std::string_view text) { return goes_on() && sink(text); };
  return ondol::generate(speculation_, *engine_, sampler, wish.prompt, wish.options, told, progress);
}

}  // namespace ondol
