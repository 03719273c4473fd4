#include "hub/pull.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include <fmt/format.h>

namespace ondol {
namespace {

namespace fs = std::filesystem;

// GGUF files lie side by side in the repository's folder, whatever folder of the repository they come from.
std::string local_name(const HubFile& file) {
  return file.path.substr(file.path.rfind('/') + 1);
}

std::string path_of(const StoreFolders& folders, const Repository& repository, const HubFile& file) {
  const std::string name = repository.name.find('/') == std::string::npos ? "hub/" + repository.name : repository.name;
  return folders.own + "/" + name + "/" + local_name(file);
}

bool is_complete(const std::string& path, const HubFile& file) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  return !code && size == file.size && file.size > 0;
}

bool marks_model(const HubFile& file) {
  const std::string name = local_name(file);
  return name == "config.json" || (name.ends_with(".gguf") && !is_later_part(name));
}

// A model of the Hugging Face cache that has exactly the file that was chosen.
const StoredModel* in_cache(const std::vector<StoredModel>& models, const Repository& repository,
                            const std::vector<HubFile>& files) {
  for (const StoredModel& model : models) {
    if (model.source != StoreSource::kHuggingFaceCache) continue;
    const std::string name = model.name.substr(0, model.name.find(':'));
    const bool is_folder = fs::is_directory(model.path);
    const fs::path folder = is_folder ? fs::path(model.path) : fs::path(model.path).parent_path();
    const bool all_here = std::all_of(files.begin(), files.end(), [&](const HubFile& file) {
      return is_complete((folder / local_name(file)).string(), file);
    });
    if (name != repository.name || !all_here) continue;
    if (is_folder || fs::path(model.path).filename() == local_name(files.front())) return &model;
  }
  return nullptr;
}

// The model that a pulled file has become.
Result<StoredModel> stored(const StoreFolders& folders, const std::string& path) {
  for (const StoredModel& model : Store(folders).list()) {
    if (model.path == path || model.path == fs::path(path).parent_path().string()) return model;
  }
  return Error(fmt::format("{}: was fetched, but the store does not list it", path));
}

class Puller {
 public:
  Puller(const PullOptions& options, const HubClient& hub, const Repository& repository,
         const std::vector<HubFile>& files)
      : options_(options), hub_(hub), repository_(repository), files_(files) {
    for (const HubFile& file : files) total_ += file.size;
  }

  /// Fetches what is missing; returns whether anything was. The file by which the store knows the model comes last.
  Result<bool> run() {
    bool fetched = false;
    std::vector<size_t> order(files_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_partition(order.begin(), order.end(), [this](size_t i) { return !marks_model(files_[i]); });
    for (const size_t i : order) {
      const std::string path = path_of(options_.folders, repository_, files_[i]);
      if (!is_complete(path, files_[i])) {
        ONDOL_TRY(fetch(i, path));
        fetched = true;
      }
      before_ += files_[i].size;
    }
    return fetched;
  }

  /// Fails if the disk has no room for what is missing of all files together.
  Result<void> check_space() const {
    uint64_t missing = 0;
    for (const HubFile& file : files_) {
      if (!is_complete(path_of(options_.folders, repository_, file), file)) missing += file.size;
    }
    const std::string folder = fs::path(path_of(options_.folders, repository_, files_.front())).parent_path().string();
    std::error_code code;
    fs::create_directories(folder, code);
    if (code) return Error(fmt::format("{}: cannot create the folder: {}", folder, code.message()));
    uint64_t reserved = 0;
    for (const auto& entry : fs::directory_iterator(folder, code)) {
      std::error_code ignored;
      if (entry.path().extension() == ".part") reserved += fs::file_size(entry.path(), ignored);
    }
    const uint64_t free =
        ONDOL_TRY(options_.download.free_bytes ? options_.download.free_bytes(folder) : free_bytes_in(folder));
    if (missing <= free + reserved) return {};
    return Error(
        fmt::format("{}: not enough space in {}: expected {:.1f} GB free, got {:.1f} GB; remove something (ondol list, "
                    "ondol rm) or set ONDOL_HOME to another disk",
                    repository_.name, folder, static_cast<double>(missing) / 1e9, static_cast<double>(free) / 1e9));
  }

 private:
  Result<void> fetch(size_t index, const std::string& path) {
    const HubFile& file = files_[index];
    DownloadOptions options = options_.download;
    options.cancel = options_.cancel;
    options.progress = [this, index, &file](const DownloadProgress& progress) { report(index, file, progress); };
    const DownloadRequest request{path, file.sha256, [this, &file] { return hub_.locate(repository_, file); }};
    return download(request, options);
  }

  void report(size_t index, const HubFile& file, const DownloadProgress& progress) {
    if (!options_.progress) return;
    uint64_t& shown = progress.stage == DownloadProgress::Stage::kDownloading ? shown_ : checked_;
    shown = std::max(shown, before_ + std::min(progress.done_bytes, file.size));
    PullProgress all{progress.stage, local_name(file),          index, files_.size(), shown,
                     total_,         progress.bytes_per_second, 0};
    if (all.bytes_per_second > 1) all.seconds_left = static_cast<double>(total_ - shown) / all.bytes_per_second;
    options_.progress(all);
  }

  const PullOptions& options_;
  const HubClient& hub_;
  const Repository& repository_;
  const std::vector<HubFile>& files_;
  uint64_t total_ = 0;
  uint64_t before_ = 0;  // in files that are done
  uint64_t shown_ = 0;   // highest of each stage so far
  uint64_t checked_ = 0;
};

}  // namespace

Result<Pulled> pull(const std::string& name, const PullOptions& options) {
  const HubName wanted = ONDOL_TRY(HubName::parse(name));
  HubOptions hub_options = options.hub;
  hub_options.cancel = options.cancel;
  const HubClient hub(hub_options);
  if (wanted.repository.find('/') == std::string::npos) {
    if (auto here = Store(options.folders).find(name)) return Pulled{*std::move(here), true};
    const auto similar = hub.search(wanted.repository);
    const std::string hint = similar.empty() ? "ORGANISATION/REPOSITORY" : fmt::format("{}", fmt::join(similar, ", "));
    return Error(fmt::format("{}: expected the whole name of a repository, such as: {}", name, hint));
  }
  const Repository repository = ONDOL_TRY(hub.repository(wanted));
  const std::vector<HubFile> files = ONDOL_TRY(choose_files(repository, wanted.tag));
  const std::vector<StoredModel> models = Store(options.folders).list();
  if (const StoredModel* cached = in_cache(models, repository, files)) return Pulled{*cached, true};
  Puller puller(options, hub, repository, files);
  ONDOL_TRY(puller.check_space());
  const bool fetched = ONDOL_TRY(puller.run());
  const StoredModel model = ONDOL_TRY(stored(options.folders, path_of(options.folders, repository, files.front())));
  return Pulled{model, !fetched};
}

}  // namespace ondol
