// Runs a model over tokens, for tests: in one pass, or token by token through the cache.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/backend.h"
#include "models/model.h"

namespace ondol {

/// One row of numbers for each token: logits, or hidden states of an encoder.
using Rows = std::vector<std::vector<float>>;

class TestRun {
 public:
  explicit TestRun(const std::string& path, const std::string& instruction_set = "") {
    const auto loaded = load(path, instruction_set);
    if (!loaded) ADD_FAILURE() << loaded.error().message();
  }

  bool ok() const { return model_ != nullptr; }
  const Model& model() const { return *model_; }

  /// Passes of `step` tokens each, one after another in the same sequence.
  Rows run(std::span<const int32_t> tokens, int step, Batch::Output output = Batch::Output::kLogits) {
    Rows rows;
    auto cache = KvCache::create(model_->config().kv_layers, DType::F32, 512);
    if (!cache) {
      ADD_FAILURE() << cache.error().message();
      return rows;
    }
    KvSequence sequence(*cache);
    for (size_t begin = 0; begin < tokens.size(); begin += static_cast<size_t>(step)) {
      const auto part = tokens.subspan(begin, std::min(static_cast<size_t>(step), tokens.size() - begin));
      append(part, static_cast<int>(begin), output, *cache, sequence, rows);
    }
    return rows;
  }

  /// What a cross-encoder says of one pair, whose tokens are of these types.
  float score(std::span<const int32_t> tokens, std::span<const int32_t> types) {
    Batch batch;
    batch.tokens.assign(tokens.begin(), tokens.end());
    batch.token_types.assign(types.begin(), types.end());
    batch.slices.push_back({});
    batch.slices[0].n_rows = static_cast<int>(tokens.size());
    batch.output_rows = {0};
    batch.output = Batch::Output::kScores;
    Arena arena;
    KvCache cache;
    Context context{*backend_, arena};
    const Tensor result = model_->forward(batch, cache, context);
    EXPECT_EQ(result.shape(), (Shape{1, 1}));
    return result.f32(0)[0];
  }

 private:
  Result<void> load(const std::string& path, const std::string& instruction_set) {
    backend_ = ONDOL_TRY(create_cpu_backend({2, instruction_set}));
    model_ = ONDOL_TRY(load_model(ONDOL_TRY(open_model_file(path))));
    return {};
  }

  void append(std::span<const int32_t> tokens, int position, Batch::Output output, KvCache& cache, KvSequence& sequence,
              Rows& rows) {
    const int n = static_cast<int>(tokens.size());
    const bool causal = model_->config().causal;
    if (causal) {
      ASSERT_TRUE(sequence.append(n).has_value());
    }
    Batch batch;
    batch.tokens.assign(tokens.begin(), tokens.end());
    BatchSlice slice;
    slice.sequence = causal ? &sequence : nullptr;
    slice.n_rows = n;
    slice.position = position;
    batch.slices.push_back(slice);
    for (int i = 0; i < n; ++i) batch.output_rows.push_back(i);
    batch.output = output;
    Arena arena;
    Context context{*backend_, arena};
    const Tensor result = model_->forward(batch, cache, context);
    for (int64_t i = 0; i < result.rows(); ++i) {
      rows.emplace_back(result.f32(i), result.f32(i) + result.columns());
    }
  }

  std::unique_ptr<Model> model_;
  std::unique_ptr<Backend> backend_;
};

/// The largest difference, as a share of the largest expected number. Infinite when the shapes differ.
inline float largest_difference(const Rows& got, const Rows& expected) {
  if (got.size() != expected.size()) return INFINITY;
  float largest = 0.0f, scale = 0.0f;
  for (size_t r = 0; r < got.size(); ++r) {
    if (got[r].size() != expected[r].size()) return INFINITY;
    for (size_t i = 0; i < got[r].size(); ++i) {
      if (!std::isfinite(got[r][i])) return INFINITY;
      largest = std::max(largest, std::abs(got[r][i] - expected[r][i]));
      scale = std::max(scale, std::abs(expected[r][i]));
    }
  }
  return largest / scale;
}

}  // namespace ondol
