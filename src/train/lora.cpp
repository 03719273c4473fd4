#include "train/lora.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "formats/gguf_writer.h"
#include "models/adapter_export.h"

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

const std::vector<std::string>& kinds_of(const LoraOptions& options) {
  return options.targets.empty() ? kAllLinear : options.targets;
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

Result<LoraAdapter> LoraAdapter::create(const Model& model, const LoraOptions& options, Parameters& parameters,
                                        ThreadPool* threads) {
  ONDOL_TRY(check_targets(model, options.targets));
  LoraAdapter lora;
  lora.options_ = options;
  lora.threads_ = threads;
  const double rank = options.rank;
  lora.factor_ = static_cast<float>(options.alpha / (options.rank_stabilised ? std::sqrt(rank) : rank));
  lora.adapter_ = std::make_unique<Adapter>("learning");
  Random random(options.seed);
  for (const auto& [stem, matrix] : model.matrices()) {
    if (is_target(stem, kinds_of(options))) lora.add_part(stem, matrix, parameters, random);
  }
  if (lora.parts_.empty()) return Error("the model has no weights that an adapter could add to");
  return lora;
}

int64_t LoraAdapter::count(const Model& model, const LoraOptions& options) {
  int64_t n = 0;
  for (const auto& [stem, matrix] : model.matrices()) {
    if (!is_target(stem, kinds_of(options))) continue;
    n += options.rank * (matrix.rows() + matrix.columns()) + (options.magnitudes ? matrix.rows() : 0);
  }
  return n;
}

void LoraAdapter::add_part(const std::string& stem, const Tensor& matrix, Parameters& parameters, Random& random) {
  const OwnedTensor a(DType::F32, {options_.rank, matrix.columns()});
  const OwnedTensor b(DType::F32, {matrix.rows(), options_.rank});
  const double bound = 1.0 / std::sqrt(static_cast<double>(matrix.columns()));
  Tensor start = a.tensor;
  for (int64_t i = 0; i < start.shape().elements(); ++i) {
    start.f32()[i] = static_cast<float>((2.0 * random.uniform() - 1.0) * bound);
  }
  Part part{stem, matrix, {}, {}, {}};
  if (options_.magnitudes) {
    part.magnitude = OwnedTensor(DType::F32, {matrix.rows()});
    part.lengths = OwnedTensor(DType::F32, {matrix.rows()});
    row_lengths(matrix, a.tensor, b.tensor, 0.0f, {part.magnitude.tensor.f32(), static_cast<size_t>(matrix.rows())},
                threads_);
    std::memcpy(part.lengths.tensor.bytes(), part.magnitude.tensor.bytes(), part.magnitude.tensor.size_bytes());
  }
  adapter_->add(stem, matrix, a.tensor, b.tensor, 1.0f, part.magnitude.tensor);
  part.parts = *adapter_->find(matrix);
  parameters.add(stem + ".lora_a", part.parts.a);
  parameters.add(stem + ".lora_b", part.parts.b);
  parameters.all().back().rate_factor = options_.b_rate;
  if (options_.magnitudes) parameters.add(stem + ".lora_magnitude", part.magnitude.tensor, part.parts.stretch);
  parts_.push_back(std::move(part));
}

void LoraAdapter::refresh() {
  if (!options_.magnitudes) return;
  for (Part& part : parts_) {
    float* lengths = part.lengths.tensor.f32();
    row_lengths(part.matrix, part.parts.a, part.parts.b, factor_, {lengths, static_cast<size_t>(part.matrix.rows())},
                threads_);
    for (int64_t h = 0; h < part.matrix.rows(); ++h) {
      part.parts.stretch.f32()[h] = lengths[h] > 0.0f ? part.magnitude.tensor.f32()[h] / lengths[h] : 0.0f;
    }
  }
}

void LoraAdapter::finish_gradients(Parameters& parameters) const {
  if (!options_.magnitudes) return;
  for (const Part& part : parts_) {
    Tensor gradient = parameters.of(part.parts.stretch);
    for (int64_t h = 0; h < part.matrix.rows(); ++h) {
      const float length = part.lengths.tensor.f32()[h];
      gradient.f32()[h] = length > 0.0f ? gradient.f32()[h] / length : 0.0f;
    }
  }
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
    if (options_.magnitudes) tensors.push_back({part.stem + ".weight.lora_magnitude", part.magnitude.tensor});
  }
  return ondol::write_gguf(path, metadata, tensors);
}

Result<void> LoraAdapter::write_peft(const std::string& folder, const Model& model, const ModelFile& base) const {
  std::vector<AdapterExportPart> parts;
  for (const Part& part : parts_) parts.push_back({part.stem, part.parts.a, part.parts.b, part.magnitude.tensor});
  const PeftSettings settings{options_.rank, options_.alpha, options_.rank_stabilised};
  return write_peft_adapter(folder, parts, settings, model, base);
}

}  // namespace ondol::train
