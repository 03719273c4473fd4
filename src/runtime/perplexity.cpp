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

void add_to(Sums& sums, double nll) {
  sums.nll += nll;
  sums.squares += nll * nll;
  ++sums.n;
}

Perplexity summarize(const Sums& sums, int n_chunks) {
  Perplexity result;
  const auto n = static_cast<double>(sums.n);
  result.nll = sums.nll / n;
  result.nll_deviation =
      sums.n > 1 ? std::sqrt(std::max(0.0, sums.squares / n - result.nll * result.nll) / (n - 1)) : 0;
  result.n_tokens = sums.n;
  result.n_chunks = n_chunks;
  return result;
}

/// Cuts a text into chunks, as measure_perplexity promises.
class Chunks {
 public:
  static Result<Chunks> create(const Engine& engine, std::span<const TokenId> tokens, int context, int max_chunks) {
    if (context < 4 || context > engine.context_length()) {
      return Error(fmt::format("expected a context from 4 to {} tokens, got {}", engine.context_length(), context));
    }
    Chunks chunks;
    chunks.tokens_ = tokens;
    chunks.context_ = context;
    chunks.count_ = static_cast<int>(tokens.size() / static_cast<size_t>(context));
    if (max_chunks >= 0) chunks.count_ = std::min(chunks.count_, max_chunks);
    if (chunks.count_ == 0) {
      return Error(fmt::format("the text has {} tokens, fewer than one chunk of {}; give more text or a smaller --ctx",
                               tokens.size(), context));
    }
    const Tokenizer& tokenizer = engine.tokenizer();
    if (tokenizer.adds_bos()) chunks.bos_ = tokenizer.bos();
    return chunks;
  }

  int count() const { return count_; }

  std::vector<TokenId> operator[](int i) const {
    const auto begin = tokens_.begin() + static_cast<long>(i) * context_;
    std::vector<TokenId> chunk(begin, begin + context_);
    if (bos_ != kNoToken) chunk[0] = bos_;
    return chunk;
  }

 private:
  std::span<const TokenId> tokens_;
  int context_ = 0;
  int count_ = 0;
  TokenId bos_ = kNoToken;
};

/// Evaluates one chunk, a part at each step, and gives the logits of the rows that are scored.
class ChunkReader {
 public:
  ChunkReader(Engine& engine, std::span<const TokenId> chunk)
      : engine_(engine), sequence_(engine.cache()), chunk_(chunk) {}

  bool done() const { return begin_ >= size(); }

  /// Position of the first scored row of the last step; row r is at first_scored() + r.
  int first_scored() const { return first_scored_; }

  Result<Tensor> step() {
    const int half = size() / 2;
    const int limit = begin_ < half ? std::min(half, begin_ + engine_.batch_rows()) : begin_ + kScoredRows;
    const int end = std::min(size(), limit);
    ONDOL_TRY(sequence_.append(end - begin_));
    Batch batch;
    batch.tokens.assign(chunk_.begin() + begin_, chunk_.begin() + end);
    batch.slices.push_back({&sequence_, 0, end - begin_, begin_});
    // The last position predicts a token outside the chunk.
    for (int i = std::max(begin_, half); i < std::min(end, size() - 1); ++i) batch.output_rows.push_back(i - begin_);
    first_scored_ = std::max(begin_, half);
    begin_ = end;
    return engine_.forward(batch);
  }

 private:
  int size() const { return static_cast<int>(chunk_.size()); }

  Engine& engine_;
  KvSequence sequence_;
  std::span<const TokenId> chunk_;
  int begin_ = 0;
  int first_scored_ = 0;
};

std::span<const float> row_of(const Tensor& logits, int64_t row) {
  return {logits.f32(row), static_cast<size_t>(logits.columns())};
}

/// Number of scored rows: a tensor without rows has no data.
int64_t rows_of(const Tensor& logits) {
  return logits.empty() ? 0 : logits.rows();
}

/// Sum over the vocabulary of p_base (log p_base - log p), in double.
double kl_divergence(std::span<const float> base, std::span<const float> logits) {
  const auto log_sum = [](std::span<const float> values) {
    const float best = *std::max_element(values.begin(), values.end());
    double sum = 0;
    for (const float value : values) sum += std::exp(static_cast<double>(value) - best);
    return best + std::log(sum);
  };
  const double base_sum = log_sum(base), sum = log_sum(logits);
  double kl = 0;
  for (size_t i = 0; i < base.size(); ++i) {
    const double log_p = base[i] - base_sum;
    kl += std::exp(log_p) * (log_p - (logits[i] - sum));
  }
  return std::max(0.0, kl);
}

ptrdiff_t best_of(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

}  // namespace

double Perplexity::ppl() const {
  return std::exp(nll);
}

Result<Perplexity> measure_perplexity(Engine& engine, std::span<const TokenId> tokens, int context, int max_chunks,
                                      const EvaluationProgress& progress) {
  const Chunks chunks = ONDOL_TRY(Chunks::create(engine, tokens, context, max_chunks));
  Sums sums;
  for (int i = 0; i < chunks.count(); ++i) {
    const std::vector<TokenId> chunk = chunks[i];
    ChunkReader reader(engine, chunk);
    while (!reader.done()) {
      const Tensor logits = ONDOL_TRY(reader.step());
      for (int64_t row = 0; row < rows_of(logits); ++row) {
        const TokenId target = chunk[static_cast<size_t>(reader.first_scored() + row + 1)];
        add_to(sums, negative_log_likelihood(row_of(logits, row), target));
      }
    }
    if (progress && !progress(i + 1, chunks.count())) return Error("stopped");
  }
  return summarize(sums, chunks.count());
}

Result<Divergence> measure_divergence(Engine& base, Engine& engine, std::span<const TokenId> tokens, int context,
                                      int max_chunks, const EvaluationProgress& progress) {
  const int64_t base_size = base.model().config().vocabulary_size;
  const int64_t size = engine.model().config().vocabulary_size;
  if (base_size != size) {
    return Error(
        fmt::format("expected the vocabulary of {} ({} tokens), got {} tokens", base.file().path(), base_size, size));
  }
  const Chunks chunks = ONDOL_TRY(Chunks::create(engine, tokens, context, max_chunks));
  Sums base_sums, sums;
  std::vector<double> divergences;
  int64_t n_same = 0;
  for (int i = 0; i < chunks.count(); ++i) {
    const std::vector<TokenId> chunk = chunks[i];
    ChunkReader base_reader(base, chunk), reader(engine, chunk);
    while (!reader.done()) {
      const Tensor base_logits = ONDOL_TRY(base_reader.step());
      const Tensor logits = ONDOL_TRY(reader.step());
      for (int64_t row = 0; row < rows_of(logits); ++row) {
        const auto base_row = row_of(base_logits, row), model_row = row_of(logits, row);
        const TokenId target = chunk[static_cast<size_t>(reader.first_scored() + row + 1)];
        add_to(base_sums, negative_log_likelihood(base_row, target));
        add_to(sums, negative_log_likelihood(model_row, target));
        divergences.push_back(kl_divergence(base_row, model_row));
        n_same += best_of(base_row) == best_of(model_row) ? 1 : 0;
      }
    }
    if (progress && !progress(i + 1, chunks.count())) return Error("stopped");
  }
  Divergence result;
  result.base = summarize(base_sums, chunks.count());
  result.model = summarize(sums, chunks.count());
  for (const double kl : divergences) result.kl += kl / static_cast<double>(divergences.size());
  std::sort(divergences.begin(), divergences.end());
  result.kl_99 = divergences[static_cast<size_t>(0.99 * static_cast<double>(divergences.size() - 1))];
  result.same_best = static_cast<double>(n_same) / static_cast<double>(divergences.size());
  return result;
}

}  // namespace ondol
