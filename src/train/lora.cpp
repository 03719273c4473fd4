#include "train/lora.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/random.h"
#include "formats/gguf_writer.h"

namespace ondol::train {
namespace {

/// Every linear map of a layer; experts and routers stay as they are.
const std::vector<std::string> kAllLinear = {"attn_q",      "attn_k",   "attn_v", "attn_qkv",
                                             "attn_output", "ffn_gate", "ffn_up", "ffn_down"};

std::string_view kind_of(std::string_view stem) {
  return stem.substr(stem.rfind('.') + 1);
}

bool is_target(std::string_view stem, const std::vector<std::string>& kinds) {
  return stem.starts_with("blk.") && std::find(kinds.begin(), kinds.end(), kind_of(stem)) != kinds.end();
}

Result<void> check_targets(const Model& model, const std::vector<std::string>& targets) {
  for (const std::string& target : targets) {
    const bool exists = std::any_of(model.matrices().begin(), model.matrices().end(),
                                    [&](const auto& matrix) { return is_target(matrix.first, {target}); });
    if (!exists) {
      return Error(fmt::format("target '{}': the model's layers have no such weight; expected some of {}", target,
                               fmt::join(kAllLinear, ", ")));
    }
  }
  return {};
}

}  // namespace

Result<LoraAdapter> LoraAdapter::create(const Model& model, const LoraOptions& options, Parameters& parameters) {
  ONDOL_TRY(check_targets(model, options.targets));
  LoraAdapter lora;
  lora.options_ = options;
  const double rank = options.rank;
  lora.factor_ = static_cast<float>(options.alpha / (options.rank_stabilised ? std::sqrt(rank) : rank));
  lora.adapter_ = std::make_unique<Adapter>("learning");
  const auto& kinds = options.targets.empty() ? kAllLinear : options.targets;
  Random random(options.seed);
  for (const auto& [stem, matrix] : model.matrices()) {
    if (!is_target(stem, kinds)) continue;
    const OwnedTensor a(DType::F32, {options.rank, matrix.columns()});
    const OwnedTensor b(DType::F32, {matrix.rows(), options.rank});
    const double bound = 1.0 / std::sqrt(static_cast<double>(matrix.columns()));
    Tensor start = a.tensor;
    for (int64_t i = 0; i < start.shape().elements(); ++i) {
      start.f32()[i] = static_cast<float>((2.0 * random.uniform() - 1.0) * bound);
    }
    lora.adapter_->add(stem, matrix, a.tensor, b.tensor, 1.0f);
    const LowRank parts = *lora.adapter_->find(matrix);
    parameters.add(stem + ".lora_a", parts.a);
    parameters.add(stem + ".lora_b", parts.b);
    lora.parts_.push_back({stem, parts});
  }
  if (lora.parts_.empty()) return Error("the model has no weights that an adapter could add to");
  return lora;
}

Result<void> LoraAdapter::write_gguf(const std::string& path, const std::string& architecture) const {
  // Readers divide alpha by the rank; a stabilised one is written as the alpha that gives the same factor.
  const float alpha = factor_ * static_cast<float>(options_.rank);
  const Metadata metadata = {{"general.architecture", {architecture}},
                             {"general.type", {std::string("adapter")}},
                             {"adapter.type", {std::string("lora")}},
                             {"adapter.lora.alpha", {alpha}}};
  std::vector<TensorEntry> tensors;
  for (const Part& part : parts_) {
    tensors.push_back({part.stem + ".weight.lora_a", part.parts.a});
    tensors.push_back({part.stem + ".weight.lora_b", part.parts.b});
  }
  return ondol::write_gguf(path, metadata, tensors);
}

}  // namespace ondol::train
