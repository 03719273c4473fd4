#include "hub/store.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string lowered(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

int64_t modified(const fs::path& path) {
  std::error_code code;
  const auto time = fs::last_write_time(path, code);
  if (code) return 0;
  const auto system = std::chrono::file_clock::to_sys(time);
  return std::chrono::duration_cast<std::chrono::seconds>(system.time_since_epoch()).count();
}

uint64_t bytes_of_file(const fs::path& path) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  return code ? 0 : size;
}

/// Entries of a folder; none where it cannot be read.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code))
    paths.push_back(it->path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// Sum of a split model's parts, or of a folder's files.
uint64_t size_of(const fs::path& path) {
  uint64_t size = 0;
  if (is_folder(path)) {
    for (const fs::path& file : entries(path)) size += bytes_of_file(file);
    return size;
  }
  const std::string name = path.filename().string();
  const size_t of = name.find("-00001-of-");
  if (of == std::string::npos) return bytes_of_file(path);
  for (const fs::path& file : entries(path.parent_path())) {
    if (file.filename().string().starts_with(name.substr(0, of))) size += bytes_of_file(file);
  }
  return size;
}

/// Adds the models in the folder of one repository: each GGUF file, or the folder itself if it has a config.json.
void add_repository(const fs::path& folder, const std::string& name, StoreSource source,
                    std::vector<StoredModel>& all) {
  bool has_gguf = false;
  for (const fs::path& file : entries(folder)) {
    const std::string file_name = file.filename().string();
    if (!file_name.ends_with(".gguf") || is_later_part(file_name) || file_name.starts_with("mmproj")) continue;
    has_gguf = true;
    const std::string quantization = quantization_in(file_name);
    const std::string tag = quantization.empty() ? file_name.substr(0, file_name.size() - 5) : quantization;
    all.push_back({name + ":" + tag, file.string(), size_of(file), modified(file), source});
  }
  std::error_code ignored;
  if (!has_gguf && fs::exists(folder / "config.json", ignored)) {
    all.push_back({name, folder.string(), size_of(folder), modified(folder / "config.json"), source});
  }
}

/// own/ORGANISATION/REPOSITORY/files
void add_own(const fs::path& root, std::vector<StoredModel>& all) {
  for (const fs::path& organisation : entries(root)) {
    if (!is_folder(organisation)) continue;
    for (const fs::path& repository : entries(organisation)) {
      if (!is_folder(repository)) continue;
      const std::string name = organisation.filename().string() + "/" + repository.filename().string();
      add_repository(repository, name, StoreSource::kOwn, all);
    }
  }
}

/// models--ORGANISATION--REPOSITORY/snapshots/REVISION/files, links into blobs/. The revision of refs/main comes first;
/// others may be old.
void add_hugging_face(const fs::path& root, std::vector<StoredModel>& all) {
  for (const fs::path& folder : entries(root)) {
    std::string name = folder.filename().string();
    if (!name.starts_with("models--")) continue;
    name.erase(0, 8);
    const size_t split = name.find("--");
    if (split != std::string::npos) name.replace(split, 2, "/");
    const auto main_revision = read_file((folder / "refs" / "main").string(), 4096);
    const auto snapshots = entries(folder / "snapshots");
    for (const fs::path& snapshot : snapshots) {
      const bool is_main = main_revision && snapshot.filename().string() == *main_revision;
      if (!is_main && snapshots.size() > 1) continue;
      add_repository(snapshot, name, StoreSource::kHuggingFaceCache, all);
    }
  }
}

/// The blob with the weights that an Ollama manifest names; empty when there is none here.
std::string ollama_blob(const fs::path& manifest, const fs::path& root) {
  const auto content = read_file(manifest.string(), size_t{1} << 20);
  if (!content) return "";
  const auto document = parse_json(*content);
  const json::value* layers = document ? find_member(*document, "layers") : nullptr;
  if (layers == nullptr || !layers->is_array()) return "";
  for (const json::value& layer : layers->get_array()) {
    if (string_or(layer, "mediaType", "") != "application/vnd.ollama.image.model") continue;
    std::string digest = string_or(layer, "digest", "");
    std::replace(digest.begin(), digest.end(), ':', '-');
    if (digest.find('/') != std::string::npos) return "";
    const fs::path blob = root / "blobs" / digest;
    std::error_code ignored;
    return fs::exists(blob, ignored) ? blob.string() : "";
  }
  return "";
}

/// manifests/HOST/NAMESPACE/NAME/TAG; the namespace "library" is not written.
void add_ollama(const fs::path& root, std::vector<StoredModel>& all) {
  for (const fs::path& host : entries(root / "manifests")) {
    for (const fs::path& space : entries(host)) {
      for (const fs::path& model : entries(space)) {
        for (const fs::path& tag : entries(model)) {
          const std::string blob = ollama_blob(tag, root);
          if (blob.empty()) continue;
          const std::string prefix = space.filename() == "library" ? "" : space.filename().string() + "/";
          all.push_back({prefix + model.filename().string() + ":" + tag.filename().string(), blob, bytes_of_file(blob),
                         modified(tag), StoreSource::kOllama});
        }
      }
    }
  }
}

struct SplitName {
  std::string repository;
  std::string tag;
};

SplitName split_name(const std::string& name) {
  const size_t colon = name.rfind(':');
  if (colon == std::string::npos) return {lowered(name), ""};
  return {lowered(name.substr(0, colon)), lowered(name.substr(colon + 1))};
}

std::string without_gguf(std::string repository) {
  if (repository.ends_with("-gguf")) repository.resize(repository.size() - 5);
  return repository;
}

/// 0: not this model. Higher is a better fit: the whole name, the repository's whole name, a short form of it.
int fit(const StoredModel& model, const SplitName& wanted) {
  const SplitName has = split_name(model.name);
  if (!wanted.tag.empty() && wanted.tag != has.tag) return 0;
  if (wanted.repository == has.repository) return 3;
  if (without_gguf(wanted.repository) == without_gguf(has.repository)) return 2;
  const std::string short_form = has.repository.substr(has.repository.rfind('/') + 1);
  return without_gguf(wanted.repository) == without_gguf(short_form) ? 1 : 0;
}

/// Where several files of one repository fit a name without a tag, this one is meant: the smaller the better.
int rank_of_quantization(const std::string& tag) {
  static constexpr std::string_view kOrder[] = {"q4_k_m", "q4_k_s", "q4_0", "q5_k_m", "q8_0", "q6_k"};
  for (int i = 0; i < 6; ++i) {
    if (tag == kOrder[i]) return i;
  }
  return 6;
}

}  // namespace

StoreFolders StoreFolders::from_environment() {
  const std::string home = variable("HOME");
  StoreFolders folders;
  if (!variable("ONDOL_HOME").empty()) {
    folders.own = variable("ONDOL_HOME") + "/models";
  } else {
    const std::string data = variable("XDG_DATA_HOME");
    folders.own = (data.empty() ? home + "/.local/share" : data) + "/ondol/models";
  }
  if (!variable("HF_HUB_CACHE").empty()) {
    folders.hugging_face = variable("HF_HUB_CACHE");
  } else {
    const std::string hf_home = variable("HF_HOME");
    folders.hugging_face = (hf_home.empty() ? home + "/.cache/huggingface" : hf_home) + "/hub";
  }
  folders.ollama = variable("OLLAMA_MODELS").empty() ? home + "/.ollama/models" : variable("OLLAMA_MODELS");
  return folders;
}

StoredModel stored_model_at(const std::string& path, std::string name) {
  return {std::move(name), path, size_of(path), modified(path), StoreSource::kOwn};
}

std::string quantization_in(const std::string& file_name) {
  static const std::set<std::string> kPlain = {"F32", "F16", "BF16", "MXFP4", "NVFP4"};
  std::string name = file_name.substr(0, file_name.find(".gguf"));
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::string found;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find_first_of("-.", begin), name.size());
    const std::string word = name.substr(begin, end - begin);
    const size_t digits = word.starts_with("IQ") || word.starts_with("TQ") ? 2 : word.starts_with("Q") ? 1 : 0;
    const bool is_quant = digits > 0 && word.size() > digits + 1 &&
                          std::isdigit(static_cast<unsigned char>(word[digits])) != 0 && word[digits + 1] == '_';
    if (is_quant || kPlain.contains(word)) found = word;
    begin = end + 1;
  }
  return found;
}

bool is_later_part(const std::string& file_name) {
  const size_t of = file_name.find("-of-");
  return of != std::string::npos && of >= 6 && file_name[of - 6] == '-' && file_name.substr(of - 5, 5) != "00001";
}

std::vector<StoredModel> Store::list() const {
  std::vector<StoredModel> all;
  add_own(folders_.own, all);
  add_hugging_face(folders_.hugging_face, all);
  add_ollama(folders_.ollama, all);
  std::stable_sort(all.begin(), all.end(), [](const StoredModel& a, const StoredModel& b) {
    return a.modified_unix_seconds > b.modified_unix_seconds;
  });
  return all;
}

Result<StoredModel> Store::find(const std::string& name) const {
  SplitName wanted = split_name(name.starts_with("hf.co/") ? name.substr(6) : name);
  std::vector<StoredModel> best;
  int best_fit = 1;
  for (const StoredModel& model : list()) {
    const int how_well = fit(model, wanted);
    if (how_well < best_fit) continue;
    if (how_well > best_fit) best.clear();
    best_fit = how_well;
    best.push_back(model);
  }
  if (best.empty()) {
    return Error(fmt::format("{}: there is no such file, and no model of this name here; fetch it with: ondol pull {}",
                             name, name));
  }
  const std::string repository = split_name(best.front().name).repository;
  for (const StoredModel& model : best) {
    if (split_name(model.name).repository == repository) continue;
    return Error(
        fmt::format("{}: expected a name that fits one model; it fits {} and {}", name, best.front().name, model.name));
  }
  return *std::min_element(best.begin(), best.end(), [](const StoredModel& a, const StoredModel& b) {
    return rank_of_quantization(split_name(a.name).tag) < rank_of_quantization(split_name(b.name).tag);
  });
}

Result<StoredModel> Store::remove(const std::string& name) const {
  const StoredModel model = ONDOL_TRY(find(name));
  if (model.source != StoreSource::kOwn) {
    return Error(fmt::format("{}: this model belongs to {} ({}); remove it there", model.name,
                             model.source == StoreSource::kOllama ? "Ollama" : "the Hugging Face cache", model.path));
  }
  std::error_code code;
  const fs::path path(model.path);
  const std::string file_name = path.filename().string();
  const size_t part = file_name.find("-00001-of-");
  if (is_folder(path)) {
    fs::remove_all(path, code);
  } else if (part == std::string::npos) {
    fs::remove(path, code);
  } else {
    for (const fs::path& file : entries(path.parent_path())) {
      if (file.filename().string().starts_with(file_name.substr(0, part) + "-0")) fs::remove(file, code);
    }
  }
  if (code) return Error(fmt::format("{}: cannot remove: {}", model.path, code.message()));
  for (fs::path folder = path.parent_path(); folder != fs::path(folders_.own); folder = folder.parent_path()) {
    if (!fs::remove(folder, code)) break;  // not empty
  }
  return model;
}

}  // namespace ondol
