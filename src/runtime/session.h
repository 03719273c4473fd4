// Session: one timeline of tokens, evaluated. Callers hand in whole prefixes; what was already evaluated is reused.
#pragma once

#include <span>
#include <vector>

#include "runtime/engine.h"

namespace ondol {

class Session {
 public:
  /// The engine must outlive the session. Sessions of one engine share its context. With the engine's own adapters.
  explicit Session(Engine& engine) : Session(engine, engine.adapters()) {}
  Session(Engine& engine, AdapterSet adapters)
      : engine_(&engine), adapters_(std::move(adapters)), sequence_(engine.cache()) {}

  /// One that begins with `tokens`, whose keys and values `sequence` holds, computed with these adapters. `is_long`: as
  /// computed for a sequence for which rotates_as_long().
  Session(Engine& engine, AdapterSet adapters, std::span<const TokenId> tokens, KvSequence sequence, bool is_long);

  /// Whether a sequence that is meant to get this long lies beyond ModelConfig::rotation_changes_after.
  static bool rotates_as_long(const Engine& engine, size_t n_total);

  /// Makes `tokens` the timeline: keeps the longest common beginning, evaluates the rest. Afterwards logits() are those
  /// of the last token. Fails, keeping what was evaluated, when the context is full, an id is outside the vocabulary,
  /// or `progress` returned false. `tokens` must not be empty.
  Result<void> sync(std::span<const TokenId> tokens, const EvaluationProgress& progress = {});

  /// Appends one token.
  Result<void> append(TokenId token);

  /// As many rows as the backend computes to the same bits together as alone.
  static constexpr int kMostAtOnce = 8;

  /// Appends a few tokens with one pass, each as if it were appended alone: logits_after(i) is what logits() would have
  /// been after the i-th, bit for bit. Up to most_at_once() tokens; a single one may always be tried.
  Result<void> append_each(std::span<const TokenId> tokens);
  int most_at_once() const;

  /// Takes part in a pass that the caller runs, perhaps with other sessions: `tokens` come next, and the batch gets
  /// their rows. `n_total` is how long the session is going to be, as far as is known; not where must_start_over().
  /// logits() is empty afterwards. Fails, changing nothing, when the cache has no room.
  Result<void> join(Batch& batch, std::span<const TokenId> tokens, size_t n_total, bool wants_logits);

  /// Whether the tokens so far have to be evaluated again before the session can grow or shrink to this length.
  bool must_start_over(size_t n_total) const;

  /// Drops the last n tokens. logits() is empty until the next sync or append.
  void roll_back(int n);

  /// A session that begins with the same tokens and shares their memory.
  Session fork() const;

  /// Logits of the next token, [vocabulary]; valid until the engine's next forward pass.
  std::span<const float> logits() const { return logits_.empty() ? std::span<const float>{} : logits_.back(); }
  /// Likewise, of the token after the i-th of the last append_each().
  std::span<const float> logits_after(int i) const { return logits_[static_cast<size_t>(i)]; }

  std::span<const TokenId> tokens() const { return tokens_; }
  const KvSequence& sequence() const { return sequence_; }
  const AdapterSet& adapters() const { return adapters_; }
  bool is_long() const { return is_long_; }
  int n_reused() const { return n_reused_; }  // tokens that the last sync did not evaluate again

 private:
  void keep_logits(const Tensor& logits);
  Result<void> evaluate(std::span<const TokenId> tokens, const EvaluationProgress& progress);

  Engine* engine_;
  AdapterSet adapters_;
  KvSequence sequence_;
  std::vector<TokenId> tokens_;
  std::vector<std::span<const float>> logits_;  // of the last pass: the rows that were wanted
  int n_reused_ = 0;
  bool is_long_ = false;  // the keys are those of a sequence beyond ModelConfig::rotation_changes_after
};

}  // namespace ondol
