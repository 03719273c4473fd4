#include "runtime/perplexity.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr int kScoredRows = 128;  // rows of logits held at once

/// -log softmax(logits)[target], summed in double.
double negative_log_likelihood(std::span<const float> logits, TokenId target) {
  const float best = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - best);
  return std::log(sum) + best - logits[static_cast<size_t>(target)];
}

struct Sums {
  double nll = 0;
  double squares = 0;
  int64_t n = 0;
};

/// Evaluates one chunk from position 0 and adds up what its second half costs.
Result<void> score_chunk(Engine& engine, std::span<const TokenId> chunk, Sums& sums) {
  KvSequence sequence(engine.cache());
  const int n = static_cast<int>(chunk.size());
  const int first_scored = n / 2;
  for (int begin = 0; begin < n;) {
    const int limit = begin < first_scored ? std::min(first_scored, begin + engine.batch_rows()) : begin + kScoredRows;
    const int end = std::min(n, limit);
    ONDOL_TRY(sequence.append(end - begin));
    Batch batch;
    batch.tokens.assign(chunk.begin() + begin, chunk.begin() + end);
    batch.slices.push_back({&sequence, 0, end - begin, begin});
    for (int i = begin; i < end && i + 1 < n; ++i) {
      if (i >= first_scored) batch.output_rows.push_back(i - begin);
    }
    const Tensor logits = engine.forward(batch);
    for (size_t row = 0; row < batch.output_rows.size(); ++row) {
      const std::span<const float> values(logits.f32(static_cast<int64_t>(row)), static_cast<size_t>(logits.columns()));
      const double nll = negative_log_likelihood(values, chunk[static_cast<size_t>(begin + batch.output_rows[row] + 1)]);
      sums.nll += nll;
      sums.squares += nll * nll;
      ++sums.n;
    }
    begin = end;
  }
  return {};
}

}  // namespace

double Perplexity::ppl() const { return std::exp(nll); }

Result<Perplexity> measure_perplexity(Engine& engine, std::span<const TokenId> tokens, int context, int max_chunks,
                                      const EvaluationProgress& progress) {
  if (context < 4 || context > engine.context_length()) {
    return Error(fmt::format("expected a context from 4 to {} tokens, got {}", engine.context_length(), context));
  }
  int n_chunks = static_cast<int>(tokens.size() / static_cast<size_t>(context));
  if (max_chunks >= 0) n_chunks = std::min(n_chunks, max_chunks);
  if (n_chunks == 0) {
    return Error(fmt::format("the text has {} tokens, fewer than one chunk of {}; give more text or a smaller --ctx",
                             tokens.size(), context));
  }
  const Tokenizer& tokenizer = engine.tokenizer();
  const bool puts_bos = tokenizer.adds_bos() && tokenizer.bos() != kNoToken;
  Sums sums;
  for (int i = 0; i < n_chunks; ++i) {
    const auto begin = tokens.begin() + static_cast<long>(i) * context;
    std::vector<TokenId> chunk(begin, begin + context);
    if (puts_bos) chunk[0] = tokenizer.bos();
    ONDOL_TRY(score_chunk(engine, chunk, sums));
    if (progress && !progress(i + 1, n_chunks)) return Error("stopped");
  }
  Perplexity result;
  const auto n = static_cast<double>(sums.n);
  result.nll = sums.nll / n;
  result.nll_deviation = sums.n > 1 ? std::sqrt(std::max(0.0, sums.squares / n - result.nll * result.nll) / (n - 1)) : 0;
  result.n_tokens = sums.n;
  result.n_chunks = n_chunks;
  return result;
}

}  // namespace ondol
