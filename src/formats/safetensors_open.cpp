// open_safetensors: maps a file, or the files that an index names, and presents them as one ModelFile.
#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/safetensors.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxIndexBytes = size_t{256} << 20;
constexpr std::string_view kIndexEnding = ".index.json";

Result<std::shared_ptr<const ModelFile>> open_single(const std::string& path) {
  const MappedFile mapping = ONDOL_TRY(MappedFile::open(path));
  SafetensorsContent content = ONDOL_TRY(parse_safetensors(mapping.bytes()).in(path));
  content.owners.emplace_back(mapping);
  return std::shared_ptr<const ModelFile>(std::make_shared<AssembledModelFile>(
      path, std::move(content.metadata), std::move(content.tensors), std::move(content.owners)));
}

/// The tensors of all files that the index names, each from the file to which the index assigns it.
Result<std::shared_ptr<const ModelFile>> open_sharded(const std::string& path) {
  const std::string text = ONDOL_TRY(read_file(path, kMaxIndexBytes));
  const auto files = ONDOL_TRY(parse_safetensors_index(text).in(path));
  std::map<std::string, std::shared_ptr<const ModelFile>> shards;
  for (const auto& [name, file] : files) shards[file] = nullptr;
  Metadata metadata;
  std::vector<TensorEntry> tensors;
  std::vector<std::any> owners;
  for (auto& [file, shard] : shards) {
    const std::string shard_path = (fs::path(path).parent_path() / file).string();
    if (!fs::exists(shard_path)) return Error(fmt::format("{}: expected the file '{}'", path, shard_path));
    shard = ONDOL_TRY(open_single(shard_path));
    if (metadata.empty()) metadata = shard->metadata();
    for (const TensorEntry& entry : shard->tensors()) {
      const auto assigned = files.find(entry.name);
      if (assigned != files.end() && assigned->second == file) tensors.push_back(entry);
    }
    owners.emplace_back(shard);
  }
  for (const auto& [name, file] : files) {
    if (shards[file]->find_tensor(name) == nullptr) {
      return Error(fmt::format("{}: expected tensor '{}' in '{}'", path, name, shards[file]->path()));
    }
  }
  return std::shared_ptr<const ModelFile>(
      std::make_shared<AssembledModelFile>(path, std::move(metadata), std::move(tensors), std::move(owners)));
}

/// The only .safetensors file of a folder.
Result<std::string> only_file_in(const std::string& folder) {
  std::vector<std::string> found;
  bool has_pickle = false;
  std::error_code code;
  for (const auto& item : fs::directory_iterator(folder, code)) {
    const std::string name = item.path().filename().string();
    if (name.ends_with(".safetensors")) found.push_back(item.path().string());
    has_pickle = has_pickle || name.ends_with(".bin") || name.ends_with(".pth");
  }
  if (code) return Error(fmt::format("{}: cannot list: {}", folder, code.message()));
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    return Error(fmt::format("{}: expected model.safetensors or model.safetensors.index.json, got none{}", folder,
                             has_pickle ? "; PyTorch's .bin files are not read: convert them to safetensors" : ""));
  }
  return Error(fmt::format("{}: expected model.safetensors.index.json, got {} .safetensors files without one", folder,
                           found.size()));
}

}  // namespace

Result<std::shared_ptr<const ModelFile>> open_safetensors(const std::string& path) {
  if (path.ends_with(kIndexEnding)) return open_sharded(path);
  std::error_code code;
  if (!fs::is_directory(path, code)) return open_single(path);
  const std::string index = (fs::path(path) / "model.safetensors.index.json").string();
  if (fs::exists(index)) return open_sharded(index);
  const std::string single = (fs::path(path) / "model.safetensors").string();
  return open_single(fs::exists(single) ? single : ONDOL_TRY(only_file_in(path)));
}

}  // namespace ondol
