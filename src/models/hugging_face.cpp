#include "models/hugging_face.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "models/hf_config.h"
#include "models/hf_copies.h"
#include "models/hf_metadata.h"
#include "models/hf_names.h"
#include "models/hf_sidecars.h"
#include "models/hf_tensors.h"

namespace ondol {
namespace {

constexpr size_t kMaxConfigBytes = size_t{64} << 20;

Error unknown_model_type(const HfConfig& config) {
  std::string known;
  for (const HfArchitecture& architecture : hf_architectures()) {
    if (!known.empty()) known += ", ";
    known += architecture.model_type;
  }
  return Error(fmt::format("\"model_type\": '{}' is not known; known are {}", config.model_type(), known))
      .in(config.path());
}

/// With tied embeddings, transformers ignores an output matrix that a file happens to hold.
void drop_tied_output(const HfConfig& config, std::vector<TensorEntry>& tensors) {
  const json::value* tied = config.find({"tie_word_embeddings"});
  if (tied == nullptr || !tied->is_bool() || !tied->get_bool()) return;
  std::erase_if(tensors, [](const TensorEntry& entry) { return entry.name == "output.weight"; });
}

/// What other tasks have on top of an encoder.
void drop_unused_head(const Metadata& metadata, std::vector<TensorEntry>& tensors) {
  const bool is_used = std::any_of(metadata.begin(), metadata.end(), [](const auto& entry) {
    const auto* pooling = std::get_if<uint32_t>(&entry.second.value);
    return entry.first == "bert.pooling_type" && pooling != nullptr && *pooling == 4;
  });
  if (!is_used) std::erase_if(tensors, [](const TensorEntry& entry) { return entry.name.starts_with("cls."); });
}

OwnedTensor vector_of(const std::vector<float>& values) {
  OwnedTensor tensor(DType::F32, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.tensor.f32());
  return tensor;
}

/// What config.json says, in canonical form.
struct Described {
  HfConfig config;
  const HfArchitecture* architecture;
  CanonicalParts parts;
};

Result<Described> describe(std::string_view config_text, const std::string& config_path) {
  HfConfig config = ONDOL_TRY(HfConfig::parse(config_text, config_path));
  const HfArchitecture* architecture = find_hf_architecture(config.model_type());
  if (architecture == nullptr) return unknown_model_type(config);
  CanonicalParts parts = ONDOL_TRY(canonical_parts(config, *architecture));
  return Described{std::move(config), architecture, std::move(parts)};
}

Result<std::shared_ptr<const ModelFile>> assemble(Described described, std::shared_ptr<const ModelFile> weights,
                                                  const std::string& path) {
  const HfConfig& config = described.config;
  const int64_t n_layers = ONDOL_TRY(config.integer_or({"num_hidden_layers", "n_layer", "n_layers"}, 26));
  CanonicalTensors renamed = ONDOL_TRY(canonical_tensors(*weights, *described.architecture,
                                                         static_cast<int>(std::clamp<int64_t>(n_layers, 0, 1 << 20)),
                                                         first_position_row(config)));
  drop_tied_output(config, renamed.tensors);
  drop_unused_head(described.parts.metadata, renamed.tensors);
  for (const auto& [name, values] : described.parts.vectors) {
    const OwnedTensor vector = vector_of(values);
    renamed.owners.emplace_back(vector.buffer);
    renamed.tensors.push_back({name, vector.tensor});
  }
  renamed.owners.emplace_back(std::move(weights));
  return std::shared_ptr<const ModelFile>(std::make_shared<AssembledModelFile>(
      path, std::move(described.parts.metadata), std::move(renamed.tensors), std::move(renamed.owners)));
}

}  // namespace

Result<std::shared_ptr<const ModelFile>> open_hugging_face(const std::string& folder) {
  const std::string config_path = folder + "/config.json";
  std::error_code code;
  if (!std::filesystem::is_regular_file(config_path, code)) {
    return Error(
        fmt::format("{}: expected config.json, found none; a Hugging Face folder has it beside the weights", folder));
  }
  Described described = ONDOL_TRY(describe(ONDOL_TRY(read_file(config_path, kMaxConfigBytes)), config_path));
  MetaBuilder meta(described.architecture->architecture, described.parts.metadata);
  ONDOL_TRY(add_sidecars(folder, described.config, meta));
  auto weights = ONDOL_TRY(open_safetensors(folder));
  return assemble(std::move(described), std::move(weights), folder);
}

Result<std::shared_ptr<const ModelFile>> hugging_face_model(std::string_view config_text,
                                                            std::shared_ptr<const ModelFile> weights,
                                                            const std::string& path) {
  return assemble(ONDOL_TRY(describe(config_text, path)), std::move(weights), path);
}

}  // namespace ondol
