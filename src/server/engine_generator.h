// EngineGenerator: an instruct model as the retrieval's TextGenerator. One thread at a time.
#pragma once

#include <memory>

#include "retrieve/answer/text_generator.h"
#include "runtime/engine.h"
#include "runtime/sampler.h"
#include "runtime/session.h"
#include "runtime/speculation.h"
#include "text/grammar/token_mask.h"

namespace ondol {

/// Whether a model is large enough that following instructions can be expected of it, and has a chat template.
bool follows_instructions(const Engine& engine);

/// TextGenerator::is_discerning of this model.
bool is_discerning(const Engine& engine);
/// The turns through the model's template, without thinking where that knows it.
Result<std::vector<TokenId>> instruction_tokens(const Engine& engine, const std::vector<ChatTurn>& turns);

class EngineGenerator final : public TextGenerator {
 public:
  /// Error: a model without a chat template.
  static Result<std::unique_ptr<EngineGenerator>> create(std::unique_ptr<Engine> engine);

  bool is_discerning() const override;
  int64_t context_length() const override { return engine_->context_length(); }
  int64_t count_tokens(std::string_view text) const override;
  Result<int64_t> count_prompt(const std::vector<ChatTurn>& turns) const override;
  /// Greedy, so that the same question gets the same answer; without thinking, where the template knows it.
  Result<std::string> generate(const Wish& wish) override;

 private:
  EngineGenerator(std::unique_ptr<Engine> engine, Sampler sampler);

  std::unique_ptr<Engine> engine_;
  Sampler sampler_;
  Session session_;
  Speculation speculation_;
  std::shared_ptr<const MaskVocabulary> vocabulary_;
};

}  // namespace ondol
