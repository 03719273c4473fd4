// From what a person calls a model to its file.
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "cli/options.h"
#include "hub/store.h"

namespace ondol::cli {
namespace {

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Result<std::string> default_model() {
  const char* named = std::getenv("ONDOL_MODEL");
  if (named != nullptr && *named != '\0') return resolve_model(named);
  const auto models = Store().list();
  if (!models.empty()) return models.front().path;
  return Error(
      "there is no model here yet; fetch one (ondol pull Qwen/Qwen3-0.6B-GGUF) or name a file (ondol run model.gguf "
      "...)");
}

/// Whether `model` can only be meant as a path: then a missing file is the error, not an unknown name.
bool looks_like_path(const std::string& model) {
  return model.starts_with("/") || model.starts_with("./") || model.starts_with("../") || model.ends_with(".gguf") ||
         model.ends_with(".safetensors");
}

}  // namespace

Result<std::string> resolve_model(const std::string& model) {
  if (model.empty()) return default_model();
  if (exists(model)) return model;
  if (looks_like_path(model)) return Error(fmt::format("{}: there is no such file or folder", model));
  return ONDOL_TRY(Store().find(model)).path;
}

bool names_model(const std::string& model) {
  return exists(model) || looks_like_path(model) || Store().find(model).has_value();
}

}  // namespace ondol::cli
