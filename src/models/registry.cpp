#include "models/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ondol {
namespace {

struct Architecture {
  const char* name;
  LoadFunction load;
};

constexpr Architecture kArchitectures[] = {
    {"bert", load_bert},         {"deepseek2", load_deepseek2}, {"gemma", load_gemma},       {"gemma2", load_gemma2},
    {"gemma3", load_gemma3},     {"gpt-oss", load_gpt_oss},     {"gpt2", load_gpt2},         {"llama", load_llama},
    {"mistral3", load_llama},    {"nomic-bert", load_bert},     {"phi3", load_phi3},         {"qwen2", load_qwen2},
    {"qwen2moe", load_qwen2moe}, {"qwen3", load_qwen3},         {"qwen3moe", load_qwen3moe},
};

}  // namespace

std::vector<std::string> known_architectures() {
  std::vector<std::string> names;
  for (const Architecture& architecture : kArchitectures) names.emplace_back(architecture.name);
  return names;
}

Result<std::unique_ptr<Model>> load_model(std::shared_ptr<const ModelFile> file) {
  const std::string name = ONDOL_TRY(file->meta_string("general.architecture"));
  for (const Architecture& architecture : kArchitectures) {
    if (name != architecture.name) continue;
    WeightLoader loader(file, name);
    std::unique_ptr<Model> model = ONDOL_TRY(architecture.load(loader));
    model->keep_alive(loader.memory());
    model->set_matrices(loader.matrices());
    return model;
  }
  return Error(fmt::format("{}: architecture '{}' is not known; known are {}", file->path(), name,
                           fmt::join(known_architectures(), ", ")));
}

}  // namespace ondol
