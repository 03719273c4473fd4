// Pull: fetches a model by name into the local store.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "hub/download.h"
#include "hub/hub_client.h"
#include "hub/store.h"

namespace ondol {

struct PullProgress {
  DownloadProgress::Stage stage = DownloadProgress::Stage::kDownloading;
  std::string file;       // the one at work
  size_t file_index = 0;  // from 0
  size_t n_files = 1;
  uint64_t done_bytes = 0;  // of this stage, in all files; never less than before
  uint64_t total_bytes = 0;
  double bytes_per_second = 0;
  double seconds_left = 0;
};

struct PullOptions {
  StoreFolders folders = StoreFolders::from_environment();
  HubOptions hub = HubOptions::from_environment();
  DownloadOptions download;
  /// Called on the calling thread.
  std::function<void(const PullProgress&)> progress;
  /// Set it to stop; what was fetched is used the next time.
  const std::atomic<bool>* cancel = nullptr;
};

struct Pulled {
  StoredModel model;
  bool was_here = false;  // nothing had to be fetched
};

/// Files that are already complete, here or in the stores of others, are not fetched again.
Result<Pulled> pull(const std::string& name, const PullOptions& options);

}  // namespace ondol
