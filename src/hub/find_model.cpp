#include "hub/find_model.h"

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

namespace ondol {
namespace {

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// Whether `model` can only be meant as a path: then a missing file is the error, not an unknown name.
bool looks_like_path(const std::string& model) {
  return model.starts_with("/") || model.starts_with("./") || model.starts_with("../") || model.ends_with(".gguf") ||
         model.ends_with(".safetensors");
}

std::string name_of_path(std::filesystem::path path) {
  if (!path.has_filename()) path = path.parent_path();
  std::string name = path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
  const size_t part = name.rfind("-00001-of-");
  if (part != std::string::npos && part > 0) name.resize(part);
  return name.empty() || name == "." || name == ".." ? "model" : name;
}

}  // namespace

Result<StoredModel> find_model(const std::string& path_or_name, const Store& store) {
  if (exists(path_or_name)) return stored_model_at(path_or_name, name_of_path(path_or_name));
  if (looks_like_path(path_or_name)) return Error(fmt::format("{}: there is no such file or folder", path_or_name));
  return store.find(path_or_name);
}

Result<StoredModel> find_default_model(const Store& store) {
  const char* named = std::getenv("ONDOL_MODEL");
  if (named != nullptr && *named != '\0') return find_model(named, store);
  const auto models = store.list();
  if (!models.empty()) return models.front();
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (auto shipped = shipped_model(program.parent_path()); shipped && !error) return std::move(*shipped);
  return Error(
      "there is no model here yet; fetch one (ondol pull Qwen/Qwen3-0.6B-GGUF) or name a file (ondol run model.gguf "
      "...)");
}

std::optional<StoredModel> shipped_model(const std::filesystem::path& program_folder) {
  const std::string name = "ondol-mini";
  for (const char* place : {"../share/ondol", "../models/default"}) {
    const std::string path = (program_folder / place / (name + ".gguf")).lexically_normal().string();
    if (exists(path)) return stored_model_at(path, name);
  }
  return std::nullopt;
}

bool names_model(const std::string& path_or_name, const Store& store) {
  return exists(path_or_name) || looks_like_path(path_or_name) || store.find(path_or_name).has_value();
}

}  // namespace ondol
