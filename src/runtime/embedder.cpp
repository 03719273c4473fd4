#include "runtime/embedder.h"

#include <cmath>

#include <fmt/format.h>

namespace ondol {
namespace {

/// Texts that share one forward pass. Row ranges and sequences are parallel to `texts`.
struct Group {
  Batch batch;
  std::vector<KvSequence> sequences;
};

Pooling pooling_of(const Engine& engine, const EmbedOptions& options) {
  if (options.pooling != Pooling::kNone) return options.pooling;
  const Pooling own = engine.model().config().pooling;
  return own == Pooling::kNone || own == Pooling::kRank ? Pooling::kMean : own;
}

std::vector<float> pool(const Tensor& hidden, const BatchSlice& slice, Pooling pooling) {
  const auto width = static_cast<size_t>(hidden.columns());
  if (pooling == Pooling::kMean) {
    std::vector<double> sum(width, 0);
    for (int row = 0; row < slice.n_rows; ++row) {
      const float* values = hidden.f32(slice.first_row + row);
      for (size_t i = 0; i < width; ++i) sum[i] += values[i];
    }
    std::vector<float> mean(width);
    for (size_t i = 0; i < width; ++i) mean[i] = static_cast<float>(sum[i] / slice.n_rows);
    return mean;
  }
  const int row = slice.first_row + (pooling == Pooling::kCls ? 0 : slice.n_rows - 1);
  const float* values = hidden.f32(row);
  return {values, values + width};
}

void normalize_length(std::vector<float>& vector) {
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * x;
  if (squares == 0) return;
  const auto factor = static_cast<float>(1.0 / std::sqrt(squares));
  for (float& x : vector) x *= factor;
}

Result<void> add_text(Engine& engine, Group& group, std::span<const TokenId> tokens) {
  BatchSlice slice;
  slice.first_row = static_cast<int>(group.batch.tokens.size());
  slice.n_rows = static_cast<int>(tokens.size());
  if (engine.model().config().causal) {
    group.sequences.emplace_back(engine.cache());
    ONDOL_TRY(group.sequences.back().append(slice.n_rows));
  }
  for (int i = 0; i < slice.n_rows; ++i) group.batch.output_rows.push_back(slice.first_row + i);
  group.batch.tokens.insert(group.batch.tokens.end(), tokens.begin(), tokens.end());
  group.batch.slices.push_back(slice);
  return {};
}

/// Whether the group's pass and, for decoders, the cache's free pages can take a text of `n_tokens` more.
bool has_room(Engine& engine, const Group& group, size_t n_tokens) {
  if (group.batch.tokens.size() + n_tokens > static_cast<size_t>(engine.batch_rows())) return false;
  if (!engine.model().config().causal) return true;
  const size_t pages = (n_tokens + kPageTokens - 1) / kPageTokens;
  return pages <= static_cast<size_t>(engine.cache().n_free_pages());
}

void finish(Engine& engine, Group& group, const std::optional<AdapterSet>& adapters, const TextStates& states) {
  if (group.batch.slices.empty()) return;
  group.batch.output = Batch::Output::kHidden;
  if (adapters) {
    for (BatchSlice& slice : group.batch.slices) slice.adapters = adapters->uses();
  }
  for (size_t i = 0; i < group.sequences.size(); ++i) group.batch.slices[i].sequence = &group.sequences[i];
  const Tensor hidden = engine.forward(group.batch);
  for (const BatchSlice& slice : group.batch.slices) states(hidden, slice);
  group = {};
}

}  // namespace

Result<void> run_texts(Engine& engine, std::span<const std::vector<TokenId>> texts,
                       const std::optional<AdapterSet>& adapters, const TextStates& states) {
  Group group;
  for (const std::vector<TokenId>& tokens : texts) {
    if (!has_room(engine, group, tokens.size())) finish(engine, group, adapters, states);
    ONDOL_TRY(add_text(engine, group, tokens));
  }
  finish(engine, group, adapters, states);
  return {};
}

Result<std::vector<std::vector<float>>> embed_texts(Engine& engine, std::span<const std::string> texts,
                                                    const EmbedOptions& options) {
  const int64_t limit = engine.context_length();
  std::vector<std::vector<TokenId>> all;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::vector<TokenId> tokens = engine.tokenizer().encode(texts[i], true, SpecialTokens::kAsPlainText);
    if (tokens.empty()) return Error(fmt::format("text {}: expected words, got an empty text", i + 1));
    if (static_cast<int64_t>(tokens.size()) > limit) {
      return Error(fmt::format("text {}: expected at most {} tokens, got {}; cut it into passages", i + 1, limit,
                               tokens.size()));
    }
    all.push_back(std::move(tokens));
  }
  std::vector<std::vector<float>> vectors;
  const Pooling pooling = pooling_of(engine, options);
  ONDOL_TRY(run_texts(engine, all, options.adapters, [&](const Tensor& hidden, const BatchSlice& slice) {
    vectors.push_back(pool(hidden, slice, pooling));
    if (options.normalize) normalize_length(vectors.back());
  }));
  return vectors;
}

}  // namespace ondol
