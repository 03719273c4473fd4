// Session: one timeline of tokens, evaluated. Callers hand in whole prefixes; what was already evaluated is reused.
#pragma once

#include <span>
#include <vector>

#include "runtime/engine.h"

namespace ondol {

class Session {
 public:
  /// The engine must outlive the session. Sessions of one engine share its context.
  explicit Session(Engine& engine) : engine_(&engine), sequence_(engine.cache()) {}

  /// Makes `tokens` the timeline: keeps the longest common beginning, evaluates the rest. Afterwards logits() are those
  /// of the last token. Fails, keeping what was evaluated, when the context is full, an id is outside the vocabulary,
  /// or `progress` returned false. `tokens` must not be empty.
  Result<void> sync(std::span<const TokenId> tokens, const EvaluationProgress& progress = {});

  /// Appends one token.
  Result<void> append(TokenId token);

  /// Drops the last n tokens. logits() is empty until the next sync or append.
  void roll_back(int n);

  /// A session that begins with the same tokens and shares their memory.
  Session fork() const;

  /// Logits of the next token, [vocabulary]; valid until the engine's next forward pass.
  std::span<const float> logits() const { return logits_; }

  std::span<const TokenId> tokens() const { return tokens_; }
  int n_reused() const { return n_reused_; }  // tokens that the last sync did not evaluate again

 private:
  bool needs_other_rotation(size_t n_total) const;
  Result<void> evaluate(std::span<const TokenId> tokens, const EvaluationProgress& progress);

  Engine* engine_;
  KvSequence sequence_;
  std::vector<TokenId> tokens_;
  std::span<const float> logits_;
  int n_reused_ = 0;
  bool is_long_ = false;  // the keys are those of a sequence beyond ModelConfig::rotation_changes_after
};

}  // namespace ondol
