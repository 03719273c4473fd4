// open_gguf: maps the file, or all parts of a split model, and presents them as one ModelFile.
#include <filesystem>
#include <unordered_set>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/gguf.h"
#include "formats/gguf_reader.h"

namespace ondol {
namespace {

constexpr int kMaxParts = 65535;  // split.count is 16 bits wide

/// The split.* keys of one part. A file without them is part 0 of 1.
struct SplitInfo {
  int64_t part = 0;
  int64_t n_parts = 1;
  int64_t n_tensors = 0;
};

Result<SplitInfo> split_info_of(const ModelFile& file) {
  SplitInfo info;
  info.n_parts = ONDOL_TRY(file.meta_int_or(kSplitCountKey, 1));
  info.part = ONDOL_TRY(file.meta_int_or(kSplitNumberKey, 0));
  info.n_tensors = ONDOL_TRY(file.meta_int_or(kSplitTensorsKey, static_cast<int64_t>(file.tensors().size())));
  if (info.n_parts == 0) info.n_parts = 1;
  if (info.n_parts < 1 || info.n_parts > kMaxParts || info.part < 0 || info.part >= info.n_parts) {
    return Error(fmt::format("{}: part {} of {} makes no sense", file.path(), info.part, info.n_parts));
  }
  return info;
}

/// What stands before "-00001-of-00003.gguf" in the path of part `part`.
Result<std::string> split_prefix(const std::string& path, int part, int n_parts) {
  const std::string ending = split_file_name("", part, n_parts);
  if (path.ends_with(ending)) return path.substr(0, path.size() - ending.size());
  return Error(
      fmt::format("{}: this is part {} of {}: expected a name that ends in '{}'; give the parts their original "
                  "names",
                  path, part + 1, n_parts, ending));
}

struct LoadedPart {
  GgufContent content;
  std::any owner;
};

Result<LoadedPart> load_part(const std::string& path) {
  const MappedFile mapping = ONDOL_TRY(MappedFile::open(path));
  return LoadedPart{ONDOL_TRY(parse_gguf(mapping.bytes()).in(path)), mapping};
}

/// The parts of one model, in order; `content.metadata` of the first is that of the model.
class PartCollector {
 public:
  explicit PartCollector(std::string path) : path_(std::move(path)) {}

  Result<SplitInfo> add(const std::string& path) {
    LoadedPart part = ONDOL_TRY(load_part(path));
    const AssembledModelFile file(path, std::move(part.content.metadata), std::move(part.content.tensors), {});
    const SplitInfo info = ONDOL_TRY(split_info_of(file));
    if (owners_.empty()) metadata_ = file.metadata();
    for (const TensorEntry& entry : file.tensors()) {
      if (!names_.insert(entry.name).second) {
        return Error(fmt::format("{}: tensor '{}' is also in an earlier part", path, entry.name));
      }
      tensors_.push_back(entry);
    }
    owners_.push_back(std::move(part.owner));
    return info;
  }

  int64_t n_tensors() const { return static_cast<int64_t>(tensors_.size()); }

  std::shared_ptr<const ModelFile> finish() && {
    // How the container was cut says nothing about the model, and must not be copied into another file.
    std::erase_if(metadata_, [](const auto& entry) {
      return entry.first == kSplitCountKey || entry.first == kSplitNumberKey || entry.first == kSplitTensorsKey;
    });
    return std::make_shared<AssembledModelFile>(path_, std::move(metadata_), std::move(tensors_), std::move(owners_));
  }

 private:
  std::string path_;
  Metadata metadata_;
  std::vector<TensorEntry> tensors_;
  std::vector<std::any> owners_;
  std::unordered_set<std::string> names_;
};

Result<void> add_other_parts(PartCollector& parts, const std::string& path, const SplitInfo& first) {
  const int n_parts = static_cast<int>(first.n_parts);
  const std::string prefix = ONDOL_TRY(split_prefix(path, static_cast<int>(first.part), n_parts));
  if (first.part != 0) {
    return Error(fmt::format("{}: this is part {} of {}; open the first part, '{}'", path, first.part + 1, n_parts,
                             split_file_name(prefix, 0, n_parts)));
  }
  for (int i = 1; i < n_parts; ++i) {
    const std::string part_path = split_file_name(prefix, i, n_parts);
    if (!std::filesystem::exists(part_path)) {
      return Error(fmt::format("{}: part {} of {} is missing: expected it at '{}'", path, i + 1, n_parts, part_path));
    }
    const SplitInfo info = ONDOL_TRY(parts.add(part_path));
    if (info.part != i || info.n_parts != n_parts) {
      return Error(fmt::format("{}: expected part {} of {}, got part {} of {}; the parts are mixed up", part_path,
                               i + 1, n_parts, info.part + 1, info.n_parts));
    }
  }
  if (parts.n_tensors() != first.n_tensors) {
    return Error(
        fmt::format("{}: expected {} tensors in {} parts, got {}", path, first.n_tensors, n_parts, parts.n_tensors()));
  }
  return {};
}

}  // namespace

std::string split_file_name(std::string_view prefix, int part, int n_parts) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, part + 1, n_parts);
}

Result<std::shared_ptr<const ModelFile>> open_gguf(const std::string& path) {
  PartCollector parts(path);
  const SplitInfo first = ONDOL_TRY(parts.add(path));
  if (first.n_parts > 1) ONDOL_TRY(add_other_parts(parts, path, first));
  return std::move(parts).finish();
}

}  // namespace ondol
