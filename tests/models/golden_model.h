// What the tests of models share: goldens, and running a model over token ids in several ways.
#pragma once

#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/model.h"

namespace ondol {

/// Logits of each position of a prompt, as transformers computed them (tools/make_model_goldens.py).
struct Golden {
  std::vector<int32_t> tokens;
  int64_t vocabulary = 0;
  std::vector<float> logits;  // [T, V]
};

inline std::string golden_path(const std::string& name) {
  return std::string(ONDOL_SOURCE_DIR "/tests/golden/models/") + name;
}

inline Golden read_golden(const std::string& name) {
  std::ifstream file(golden_path(name + ".logits"), std::ios::binary);
  int32_t sizes[2] = {0, 0};
  file.read(reinterpret_cast<char*>(sizes), sizeof(sizes));
  Golden golden;
  golden.tokens.resize(static_cast<size_t>(sizes[0]));
  golden.vocabulary = sizes[1];
  golden.logits.resize(golden.tokens.size() * static_cast<size_t>(sizes[1]));
  file.read(reinterpret_cast<char*>(golden.tokens.data()), static_cast<std::streamsize>(golden.tokens.size() * 4));
  file.read(reinterpret_cast<char*>(golden.logits.data()), static_cast<std::streamsize>(golden.logits.size() * 4));
  EXPECT_TRUE(file.good()) << "cannot read " << golden_path(name + ".logits");
  return golden;
}

inline std::unique_ptr<Model> load_golden_model(const std::string& name) {
  auto file = open_gguf(golden_path(name + ".gguf"));
  if (!file) {
    ADD_FAILURE() << file.error().message();
    return nullptr;
  }
  auto model = load_model(*file);
  if (!model) {
    ADD_FAILURE() << model.error().message();
    return nullptr;
  }
  return std::move(model).value();
}

/// A model on a backend with a cache.
class Runner {
 public:
  Runner(const Model& model, const CpuOptions& options, DType kv_type = DType::F32)
      : model_(model),
        backend_(create_cpu_backend(options).value()),
        cache_(KvCache::create(model.config().kv_layers, kv_type, 256).value()) {}

  KvCache& cache() { return cache_; }

  /// The logits of all rows of a batch, copied.
  std::vector<float> forward(Batch batch) {
    batch.output_rows.resize(batch.tokens.size());
    std::iota(batch.output_rows.begin(), batch.output_rows.end(), 0);
    return forward_some(batch);
  }

  std::vector<float> forward_some(const Batch& batch) {
    const ArenaScope scope(arena_);
    Context context{*backend_, arena_};
    const Tensor logits = model_.forward(batch, cache_, context);
    return std::vector<float>(logits.f32(), logits.f32() + logits.shape().elements());
  }

  /// The logits of all positions, evaluated `chunk` tokens at a time.
  std::vector<float> in_chunks(const std::vector<int32_t>& tokens, size_t chunk) {
    KvSequence sequence(cache_);
    std::vector<float> logits;
    for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
      const size_t n = std::min(chunk, tokens.size() - begin);
      EXPECT_TRUE(sequence.append(static_cast<int>(n)).has_value());
      Batch batch;
      batch.tokens.assign(tokens.begin() + static_cast<long>(begin), tokens.begin() + static_cast<long>(begin + n));
      batch.slices.push_back(
          {&sequence, 0, static_cast<int>(n), static_cast<int>(begin), static_cast<int>(tokens.size())});
      const std::vector<float> part = forward(std::move(batch));
      logits.insert(logits.end(), part.begin(), part.end());
    }
    return logits;
  }

 private:
  const Model& model_;
  std::unique_ptr<Backend> backend_;
  KvCache cache_;
  Arena arena_;
};

/// The largest difference, as a share of the largest expected magnitude.
inline double relative_error(const std::vector<float>& got, const std::vector<float>& expected) {
  if (got.size() != expected.size()) return INFINITY;
  double worst = 0.0;
  double largest = 0.0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(got[i])) return INFINITY;
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - expected[i]));
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return worst / largest;
}

/// Instruction sets that this processor has.
inline std::vector<std::string> available_instruction_sets() {
  std::vector<std::string> names;
  for (const char* name : {"ref", "avx2", "avx512", "amx", "neon"}) {
    if (create_cpu_backend({1, name})) names.emplace_back(name);
  }
  return names;
}

}  // namespace ondol
