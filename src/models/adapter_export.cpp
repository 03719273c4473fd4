#include "models/adapter_export.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"
#include "formats/safetensors.h"
#include "models/adapter_parts.h"
#include "models/hf_form.h"
#include "models/hf_names.h"
#include "models/pretty_json.h"

namespace ondol {
namespace {

constexpr std::string_view kWrap = "base_model.model.";

/// "model.layers.0.self_attn.q_proj" for a weight of the model.
struct Module {
  std::string name;
  HfMatch match;
};

Result<Module> module_of(const std::string& stem, const HfArchitecture& architecture) {
  const std::string canonical = stem + ".weight";
  const auto match = find_by_canonical_name(architecture, canonical);
  if (!match) return Error(fmt::format("weight '{}': {} models have no such weight", stem, architecture.model_type));
  std::string name = std::string(architecture.prefix) + fill_name(match->name->hf, match->parts);
  constexpr std::string_view kEnd = ".weight";
  if (name.ends_with(kEnd)) name.resize(name.size() - kEnd.size());
  return Module{std::move(name), *match};
}

std::string config_json(const PeftSettings& settings, const json::array& modules, bool has_magnitudes, bool is_turned,
                        const std::string& base_path) {
  const json::object config = {{"base_model_name_or_path", base_path},
                               {"bias", "none"},
                               {"fan_in_fan_out", is_turned},
                               {"inference_mode", true},
                               {"init_lora_weights", true},
                               {"lora_alpha", settings.alpha},
                               {"lora_dropout", 0.0},
                               {"peft_type", "LORA"},
                               {"r", settings.rank},
                               {"target_modules", modules},
                               {"task_type", "CAUSAL_LM"},
                               {"use_dora", has_magnitudes},
                               {"use_rslora", settings.root_of_rank}};
  return pretty_json(config);
}

}  // namespace

Result<void> write_peft_adapter(const std::string& folder, const std::vector<AdapterExportPart>& parts,
                                const PeftSettings& settings, const Model& model, const ModelFile& base) {
  const HfArchitecture* architecture = ONDOL_TRY(hf_architecture_for(base));
  std::vector<TensorEntry> tensors;
  std::vector<OwnedTensor> reordered;
  json::array modules;
  bool has_magnitudes = false;
  bool is_turned = false;
  for (const AdapterExportPart& part : parts) {
    const Module module = ONDOL_TRY(module_of(part.stem, *architecture));
    modules.push_back(json::value(module.name));
    is_turned = is_turned || module.match.name->transform == HfTransform::kTranspose;
    const int64_t head_rows = rows_to_interleave(module.match, model, base);
    const auto add = [&](const Tensor& rows, const std::string& end, const Shape& shape) -> Result<void> {
      Tensor tensor = rows;
      if (head_rows > 0) tensor = reordered.emplace_back(ONDOL_TRY(separate_heads(rows, head_rows, part.stem))).tensor;
      tensors.push_back({std::string(kWrap) + module.name + end, tensor.reshaped(shape)});
      return {};
    };
    tensors.push_back({std::string(kWrap) + module.name + ".lora_A.weight", part.a});
    ONDOL_TRY(add(part.b, ".lora_B.weight", part.b.shape()));
    if (part.magnitude.empty()) continue;
    has_magnitudes = true;
    const int64_t n = part.magnitude.shape().elements();
    ONDOL_TRY(add(part.magnitude.reshaped({n, 1}), ".lora_magnitude_vector", {n}));
  }
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) return Error(fmt::format("{}: cannot create: {}", folder, code.message()));
  ONDOL_TRY(write_safetensors(folder + "/adapter_model.safetensors", {}, tensors));
  return write_file_atomically(folder + "/adapter_config.json",
                               config_json(settings, modules, has_magnitudes, is_turned, base.path()));
}

}  // namespace ondol
