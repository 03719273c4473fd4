// open_model_file: tells GGUF files, Hugging Face folders and their parts from one another.
#include <filesystem>

#include <fmt/format.h>

#include "models/hugging_face.h"
#include "models/model.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

/// The only GGUF file, or the first part of the only model, of a folder without config.json; empty when there is none.
std::string gguf_in(const std::string& folder) {
  std::string found;
  std::error_code code;
  for (const auto& item : fs::directory_iterator(folder, code)) {
    const std::string name = item.path().filename().string();
    const size_t of = name.find("-of-");
    const bool later_part = of != std::string::npos && of >= 5 && name.substr(of - 5, 5) != "00001";
    if (!name.ends_with(".gguf") || later_part || name.starts_with("mmproj")) continue;
    if (!found.empty()) return {};
    found = item.path().string();
  }
  return found;
}

}  // namespace

Result<std::shared_ptr<const ModelFile>> open_model_file(const std::string& path) {
  std::error_code code;
  if (!fs::exists(path, code)) return Error(fmt::format("{}: there is no such file or folder", path));
  if (fs::is_directory(path, code)) {
    if (!fs::exists(path + "/config.json", code)) {
      const std::string gguf = gguf_in(path);
      if (!gguf.empty()) return open_gguf(gguf);
    }
    return open_hugging_face(path);
  }
  const fs::path file(path);
  const std::string name = file.filename().string();
  if (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") || name == "config.json") {
    const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
    return open_hugging_face(folder);
  }
  for (const std::string_view ending : {".bin", ".pt", ".pth", ".ckpt"}) {
    if (!name.ends_with(ending)) continue;
    return Error(
        fmt::format("{}: PyTorch's own format is not read, because opening it may run code; "
                    "expected a GGUF file or a folder with .safetensors files",
                    path));
  }
  return open_gguf(path);
}

}  // namespace ondol
