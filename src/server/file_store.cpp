#include "server/file_store.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "base/files.h"
#include "server/ownership.h"
#include "server/random_id.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxAboutBytes = size_t{64} << 10;

/// The ending by which files of examples are told apart; ".data" of all else.
std::string ending_of(const std::string& name) {
  for (const char* ending : {".jsonl", ".ndjson", ".json", ".txt", ".md"}) {
    if (name.ends_with(ending)) return ending;
  }
  return ".data";
}

json::object about(const KeptFile& file) {
  json::object document = {{"id", file.id}, {"owner", file.owner}, {"name", file.name}, {"purpose", file.purpose}};
  document["created_at"] = file.created_at;
  document["path"] = fs::path(file.path).filename().string();
  return document;
}

std::optional<KeptFile> read_about(const fs::path& path) {
  const auto text = read_file(path, kMaxAboutBytes);
  const auto document = text ? parse_json(*text) : Result<json::value>(text.error());
  if (!document) return {};
  KeptFile file;
  file.id = string_or(*document, "id", "");
  file.owner = string_or(*document, "owner", "");
  file.name = string_or(*document, "name", "");
  file.purpose = string_or(*document, "purpose", "");
  file.created_at = int_or(*document, "created_at", 0);
  const fs::path content = fs::path(string_or(*document, "path", "")).filename();
  std::error_code code;
  file.path = path.parent_path() / content;
  file.size_bytes = fs::file_size(file.path, code);
  if (code || content.empty() || file.id != path.stem()) return {};
  return file;
}

}  // namespace

Result<void> FileStore::load() {
  std::error_code code;
  fs::create_directories(directory(), code);
  const fs::directory_iterator entries(directory(), code);
  if (code) return Error(fmt::format("{}: cannot read the folder: {}", directory().string(), code.message()));
  const std::lock_guard lock(mutex_);
  std::vector<fs::path> contents;
  for (const fs::directory_entry& entry : entries) {
    if (entry.path().extension() != ".about") {
      contents.push_back(entry.path());
    } else if (auto file = read_about(entry.path())) {
      used_bytes_ += file->size_bytes;
      files_[file->id] = std::move(*file);
    }
  }
  for (const fs::path& content : contents) {
    const bool is_ours = content.filename().string().starts_with("file-");
    if (is_ours && !files_.contains(content.stem())) fs::remove(content, code);
  }
  return {};
}

Result<std::string> FileStore::new_upload() {
  ONDOL_TRY(folder_.claim());
  std::error_code code;
  fs::create_directories(directory(), code);
  if (code) return Error(fmt::format("{}: cannot make the folder: {}", directory().string(), code.message()));
  return (directory() / random_id("file-upload-")).string();
}

bool FileStore::reserve(uint64_t size_bytes) {
  if (used_bytes_.fetch_add(size_bytes) + size_bytes <= limits_.all_files_bytes) return true;
  used_bytes_ -= size_bytes;
  return false;
}

Result<KeptFile> FileStore::keep(const std::string& path, KeptFile file) {
  file.id = random_id("file-");
  file.created_at = static_cast<int64_t>(std::time(nullptr));
  file.path = directory() / (file.id + ending_of(file.name));
  const std::lock_guard lock(mutex_);
  if (files_.size() >= limits_.n_files) {
    return Error(fmt::format("expected at most {} files, there are as many; hint: delete some", limits_.n_files));
  }
  std::error_code code;
  fs::rename(path, file.path, code);
  if (code) return Error(fmt::format("{}: cannot rename: {}", path, code.message()));
  const auto written = write_file_atomically(directory() / (file.id + ".about"), json::serialize(about(file)));
  if (!written) {
    fs::rename(file.path, path, code);
    return written.error();
  }
  files_[file.id] = file;
  return file;
}

std::optional<KeptFile> FileStore::find(const std::string& id, const std::string& asker) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(id);
  if (found == files_.end() || !may_see(asker, found->second.owner)) return {};
  return found->second;
}

std::vector<KeptFile> FileStore::list(const std::string& asker) const {
  std::vector<KeptFile> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, file] : files_) {
      if (may_see(asker, file.owner)) all.push_back(file);
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const KeptFile& a, const KeptFile& b) { return a.created_at > b.created_at; });
  return all;
}

bool FileStore::remove(const std::string& id, const std::string& asker) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(id);
  if (found == files_.end() || !may_see(asker, found->second.owner)) return false;
  std::error_code code;
  fs::remove(directory() / (id + ".about"), code);
  fs::remove(found->second.path, code);
  used_bytes_ -= found->second.size_bytes;
  files_.erase(found);
  return true;
}

}  // namespace ondol::server
