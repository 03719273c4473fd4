// Perplexity: how well a model predicts a text. The measure for what quantisation and training change.
#pragma once

#include <span>

#include "runtime/engine.h"

namespace ondol {

struct Perplexity {
  double nll = 0;            // mean negative log likelihood per scored token, in nats
  double nll_deviation = 0;  // of that mean
  int64_t n_tokens = 0;      // scored
  int n_chunks = 0;
  double ppl() const;
};

/// Cuts `tokens` into chunks of `context` tokens and scores the second half of each, from position context / 2 + 1 on.
/// Where the model has a BOS token, it takes the place of each chunk's first token. `max_chunks` < 0: all of them.
/// Fails when the text is shorter than one chunk.
Result<Perplexity> measure_perplexity(Engine& engine, std::span<const TokenId> tokens, int context, int max_chunks,
                                      const EvaluationProgress& progress = {});

/// How far a model's predictions are from a base model's on the same text.
struct Divergence {
  double kl = 0;         // mean Kullback-Leibler divergence of the model from the base, in nats per token
  double kl_99 = 0;      // its 99th percentile
  double same_best = 0;  // share of positions where both find the same token most likely
  Perplexity base;
  Perplexity model;
};

/// As measure_perplexity, on both models, which must share a vocabulary.
Result<Divergence> measure_divergence(Engine& base, Engine& engine, std::span<const TokenId> tokens, int context,
                                      int max_chunks, const EvaluationProgress& progress = {});

}  // namespace ondol
