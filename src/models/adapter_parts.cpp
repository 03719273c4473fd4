#include "models/adapter_parts.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/json.h"
#include "models/hf_form.h"
#include "models/hf_names.h"

namespace ondol {
namespace {

/// The parts of a weight's addition.
enum class Half { kA, kB, kMagnitude };

/// Puts halves together by the stem of the weight that they belong to.
class PartsByStem {
 public:
  AdapterPart& of(const std::string& stem) {
    AdapterPart& part = parts_[stem];
    part.stem = stem;
    return part;
  }
  void put(const std::string& stem, Half half, const Tensor& tensor) {
    AdapterPart& part = of(stem);
    (half == Half::kA ? part.a : half == Half::kB ? part.b : part.magnitude) = tensor;
  }
  std::vector<AdapterPart> take() {
    std::vector<AdapterPart> all;
    for (auto& [stem, part] : parts_) all.push_back(std::move(part));
    return all;
  }

 private:
  std::map<std::string, AdapterPart> parts_;
};

bool cut_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

/// Which half a name's end stands for, which is cut off.
std::optional<Half> cut_half(std::string_view& name, std::initializer_list<std::pair<std::string_view, Half>> ends) {
  for (const auto& [end, half] : ends) {
    if (cut_end(name, end)) return half;
  }
  return std::nullopt;
}

/// A number of adapter_config.json, for this module where a pattern names it.
double pattern_or(const json::value& config, std::string_view patterns, std::string_view module, double fallback) {
  const json::value* all = find_member(config, patterns);
  if (all == nullptr || !all->is_object()) return fallback;
  for (const auto& [pattern, value] : all->get_object()) {
    const bool matches = module == std::string_view(pattern) || module.ends_with("." + std::string(pattern));
    if (matches && value.is_number()) return value.to_number<double>();
  }
  return fallback;
}

Result<json::value> parse_peft_config(std::string_view text) {
  json::value config = ONDOL_TRY(parse_json(text).in("adapter_config.json"));
  if (!config.is_object()) return Error("adapter_config.json: expected a JSON object");
  const std::string type = string_or(config, "peft_type", "LORA");
  if (type != "LORA") {
    return Error(fmt::format("adapter_config.json: \"peft_type\": expected \"LORA\", got \"{}\"", type));
  }
  return config;
}

/// The canonical stem of a PEFT tensor's module ("base_model.model.model.layers.0.self_attn.q_proj").
Result<HfMatch> match_module(std::string_view module, const HfArchitecture& architecture) {
  constexpr std::string_view kWrap = "base_model.model.";
  if (module.starts_with(kWrap)) module.remove_prefix(kWrap.size());
  const std::string weight = std::string(module) + ".weight";
  auto match = find_by_hf_name(architecture, without_model_prefix(weight));
  if (!match) {
    return Error(fmt::format("module '{}': {} models have no such weight", module, architecture.model_type));
  }
  match->parts.suffix = "weight";  // not the local name's
  return *match;
}

}  // namespace

Result<std::vector<AdapterPart>> gguf_adapter_parts(const ModelFile& file, const ModelFile& base) {
  const std::string type = ONDOL_TRY(file.meta_string_or("adapter.type", ""));
  if (type != "lora") return Error(fmt::format("adapter.type: expected 'lora', got '{}'", type));
  const std::string architecture = ONDOL_TRY(file.meta_string("general.architecture"));
  const std::string wanted = ONDOL_TRY(base.meta_string("general.architecture"));
  if (architecture != wanted) {
    return Error(fmt::format("general.architecture: expected '{}' as in the model, got '{}'", wanted, architecture));
  }
  const double alpha = ONDOL_TRY(file.meta_double("adapter.lora.alpha"));
  PartsByStem by_stem;
  for (const TensorEntry& entry : file.tensors()) {
    std::string_view stem = entry.name;
    const auto half = cut_half(
        stem,
        {{".weight.lora_a", Half::kA}, {".weight.lora_b", Half::kB}, {".weight.lora_magnitude", Half::kMagnitude}});
    if (!half) {
      return Error(fmt::format("tensor '{}': expected a name that ends in .weight.lora_a, .lora_b or .lora_magnitude",
                               entry.name));
    }
    by_stem.put(std::string(stem), *half, entry.tensor);
    by_stem.of(std::string(stem)).alpha = static_cast<float>(alpha);
  }
  std::vector<AdapterPart> parts = by_stem.take();
  // An alpha of 0 stands for the rank, by GGUF's custom.
  for (AdapterPart& part : parts) {
    if (part.alpha == 0.0f && !part.a.empty()) part.alpha = static_cast<float>(part.a.rows());
  }
  return parts;
}

Result<std::vector<AdapterPart>> peft_adapter_parts(std::string_view config_text, const ModelFile& file,
                                                    const Model& model, const ModelFile& base) {
  const json::value config = ONDOL_TRY(parse_peft_config(config_text));
  const HfArchitecture* architecture = ONDOL_TRY(hf_architecture_for(base));
  const double alpha = double_or(config, "lora_alpha", 8);
  const bool root_of_rank = bool_or(config, "use_rslora", false);
  PartsByStem parts;
  for (const TensorEntry& entry : file.tensors()) {
    std::string_view module = entry.name;
    const auto half = cut_half(module, {{".lora_A.weight", Half::kA},
                                        {".lora_B.weight", Half::kB},
                                        {".lora_magnitude_vector", Half::kMagnitude},
                                        {".lora_magnitude_vector.weight", Half::kMagnitude}});
    if (!half) {
      return Error(fmt::format(
          "tensor '{}': expected a name that ends in .lora_A.weight, .lora_B.weight or .lora_magnitude_vector",
          entry.name));
    }
    const HfMatch match = ONDOL_TRY(match_module(module, *architecture));
    std::string name = fill_name(match.name->canonical, match.parts);
    std::string_view stem = name;
    cut_end(stem, ".weight");
    AdapterPart& part = parts.of(std::string(stem));
    parts.put(part.stem, *half, entry.tensor);
    part.alpha = static_cast<float>(pattern_or(config, "alpha_pattern", module, alpha));
    part.root_of_rank = root_of_rank;
    part.interleaved_heads = rows_to_interleave(match, model, base);
  }
  std::vector<AdapterPart> all = parts.take();
  for (const AdapterPart& part : all) {
    if (part.magnitude.empty() != bool_or(config, "use_dora", false)) continue;
    return Error(fmt::format("weight '{}': \"use_dora\" is {}, but there are {}magnitudes", part.stem,
                             part.magnitude.empty(), part.magnitude.empty() ? "no " : ""));
  }
  return all;
}

int64_t rows_to_interleave(const HfMatch& match, const Model& model, const ModelFile& base) {
  const HfTransform transform = match.name->transform;
  if (transform != HfTransform::kRopeRowsQ && transform != HfTransform::kRopeRowsK) return 0;
  if (base.find_meta("ondol.rope_pairs") != nullptr) return 0;  // a folder keeps Hugging Face's order
  const auto layer = static_cast<size_t>(match.parts.layer);
  const auto& layers = model.config().kv_layers;
  return layer < layers.size() ? layers[layer].k_dim : 0;
}

namespace {

/// Row i of a head's halves and its neighbours, `back` or forth.
Result<OwnedTensor> reordered_heads(const Tensor& from, int64_t head_rows, std::string_view stem, bool back) {
  if (head_rows % 2 != 0 || from.rows() % head_rows != 0) {
    return Error(fmt::format("weight '{}': {} rows are no heads of {}", stem, from.rows(), head_rows));
  }
  OwnedTensor result(DType::F32, from.shape());
  for (int64_t row = 0; row < from.rows(); ++row) {
    const int64_t in_head = row % head_rows;
    const int64_t in_halves = row - in_head + in_head / 2 + (in_head % 2) * (head_rows / 2);
    const int64_t source = back ? row : in_halves;
    std::copy_n(from.f32(source), from.columns(), result.tensor.f32(back ? in_halves : row));
  }
  return result;
}

}  // namespace

Result<OwnedTensor> separate_heads(const Tensor& matrix, int64_t head_rows, std::string_view stem) {
  return reordered_heads(matrix, head_rows, stem, true);
}

Result<OwnedTensor> interleave_heads(const OwnedTensor& matrix, int64_t head_rows, std::string_view stem) {
  return reordered_heads(matrix.tensor, head_rows, stem, false);
}

}  // namespace ondol
