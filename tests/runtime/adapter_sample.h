// Low-rank adapters with random numbers, for tests.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/random.h"
#include "formats/gguf_writer.h"
#include "models/model.h"

namespace ondol {

/// Writes a GGUF adapter for the model, for some weights of each layer, strong enough to change what is generated.
/// `columns`, where it is not 0, is the width that the parts pretend the model to have.
inline void write_random_adapter(const std::string& path, const std::string& model, uint64_t seed, float strength = 1,
                                 int64_t columns = 0) {
  const auto base = open_model_file(model).value();
  constexpr int64_t kRank = 3;
  Random random(seed);
  std::vector<OwnedTensor> owners;
  std::vector<TensorEntry> tensors;
  const auto add = [&](const std::string& name, int64_t rows, int64_t n_columns) {
    OwnedTensor& part = owners.emplace_back(DType::F32, Shape{rows, n_columns});
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < n_columns; ++i) {
        part.tensor.f32(row)[i] = strength * static_cast<float>(random.uniform() - 0.5);
      }
    }
    tensors.push_back({name, part.tensor});
  };
  for (const TensorEntry& entry : base->tensors()) {
    const bool is_chosen = entry.name.find("attn_q.weight") != std::string::npos ||
                           entry.name.find("ffn_gate.weight") != std::string::npos ||
                           entry.name.find("ffn_down.weight") != std::string::npos;
    if (!is_chosen) continue;
    add(entry.name + ".lora_a", kRank, columns > 0 ? columns : entry.tensor.columns());
    add(entry.name + ".lora_b", entry.tensor.rows(), kRank);
  }
  const Metadata metadata = {{"general.type", {std::string("adapter")}},
                             {"adapter.type", {std::string("lora")}},
                             {"general.architecture", {base->meta_string("general.architecture").value()}},
                             {"adapter.lora.alpha", {float{kRank}}}};
  const auto written = write_gguf(path, metadata, tensors);
  if (!written) throw std::runtime_error(written.error().message());
}

/// A folder of a test's own, which goes with it.
class TestFolder {
 public:
  explicit TestFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / fmt::format("ondol-{}-{}", name, ::getpid())) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace ondol
