// What a token reads, as counted by a model's own forward pass, is what its file says by the names of its tensors.
#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backend/counting_backend.h"
#include "models/model.h"

namespace ondol {
namespace {

/// Bytes of the matrices that one token meets: all but embeddings that are only looked up, and the used share of the
/// experts.
double bytes_by_names(const ModelFile& file) {
  const std::string architecture = *file.meta_string("general.architecture");
  const auto n_experts = static_cast<double>(*file.meta_int_or(architecture + ".expert_count", 1));
  const auto n_used = static_cast<double>(*file.meta_int_or(architecture + ".expert_used_count", 1));
  const bool tied = file.find_tensor("output.weight") == nullptr;
  double bytes = 0;
  for (const TensorEntry& entry : file.tensors()) {
    const Tensor& tensor = entry.tensor;
    if (entry.name == "token_embd.weight" || entry.name == "position_embd.weight") {
      bytes += static_cast<double>(tensor.row_stride_bytes());
    }
    if (entry.name == "position_embd.weight" || (entry.name == "token_embd.weight" && !tied)) continue;
    const bool is_gate_of_shared = entry.name.find("ffn_gate_inp_shexp.weight") != std::string::npos;
    if (tensor.shape().rank() < 2 && !is_gate_of_shared) continue;
    if (entry.name.ends_with(".bias")) continue;
    const bool of_experts = entry.name.find("_exps.weight") != std::string::npos;
    bytes += static_cast<double>(tensor.size_bytes()) * (of_experts ? n_used / n_experts : 1.0);
  }
  return bytes;
}

Demand count(const Model& model, int n_before, int n_tokens) {
  Demand demand;
  const auto backend = create_counting_backend({.n_threads = 1}, demand);
  EXPECT_TRUE(backend);
  auto cache = KvCache::create(model.config().kv_layers, DType::F16, 256);
  EXPECT_TRUE(cache);
  KvSequence sequence(*cache);
  EXPECT_TRUE(sequence.append(n_before + n_tokens).has_value());
  Batch batch;
  batch.tokens.assign(static_cast<size_t>(n_tokens), 1);
  batch.slices.push_back({&sequence, 0, n_tokens, n_before});
  batch.output_rows = {n_tokens - 1};
  Arena arena;
  Context context{**backend, arena};
  model.forward(batch, *cache, context);
  return demand;
}

TEST(Counting, ATokenReadsWhatTheFileHoldsForIt) {
  int n_models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ONDOL_SOURCE_DIR "/tests/golden/models")) {
    if (entry.path().extension() != ".gguf") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const auto file = open_model_file(entry.path().string());
    ASSERT_TRUE(file) << file.error().message();
    const auto model = load_model(*file);
    ASSERT_TRUE(model) << model.error().message();
    const Demand demand = count(**model, 40, 1);
    EXPECT_NEAR(demand.weight_bytes, bytes_by_names(**file), 1e-6);
    // Windows can only make what is read of the cache less.
    const double whole_cache =
        41.0 * static_cast<double>(KvCache::bytes_per_position((*model)->config().kv_layers, DType::F16));
    EXPECT_GT(demand.cache_bytes, 0);
    EXPECT_LE(demand.cache_bytes, whole_cache);
    const bool has_window = entry.path().stem() == "mistral-window";
    const bool has_none = entry.path().stem() == "llama";
    EXPECT_TRUE(!has_window || demand.cache_bytes < whole_cache);
    EXPECT_TRUE(!has_none || demand.cache_bytes == whole_cache);
    EXPECT_GT(count(**model, 40, 64).all_operations(), 30 * demand.all_operations());
    ++n_models;
  }
  EXPECT_GT(n_models, 10);
}

}  // namespace
}  // namespace ondol
