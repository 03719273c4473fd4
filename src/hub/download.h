// Download: one large file, resumed where it stopped, over several connections, checked before it gets its name.
//
// While it is unfinished there are PATH.part, which has its full size from the start, and PATH.part.state, which says
// which bytes are there; killing the process loses at most a few megabytes. Refuses to install anything whose checksum
// is not the one that was promised.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/http_client.h"

namespace ondol {

/// Where the bytes lie at the moment. Signed addresses expire, so a download may ask for a new one.
struct DownloadSource {
  std::string url;
  std::vector<std::string> headers;  // sent with every request, e.g. the token, if it belongs to this host
  uint64_t size = 0;
  std::string identity;  // of this version of the file; a part of another one is thrown away
  std::string etag;      // what this very address calls that version, for If-Range; may be empty
};

struct DownloadProgress {
  enum class Stage { kDownloading, kVerifying };
  Stage stage = Stage::kDownloading;
  uint64_t done_bytes = 0;  // never less than before; of the stage
  uint64_t total_bytes = 0;
  double bytes_per_second = 0;
  double seconds_left = 0;  // 0 while unknown
};

struct DownloadRequest {
  std::string path;
  std::string sha256;  // empty: unknown, then only the size is checked
  /// Called at the start, and again when the address no longer works.
  std::function<Result<DownloadSource>()> locate;
};

struct DownloadOptions {
  int n_connections = 4;
  uint64_t piece_bytes = uint64_t{32} << 20;  // asked for at a time
  uint64_t state_every_bytes = uint64_t{4} << 20;
  int max_failures = 8;  // in a row, without a byte between them
  int first_delay_ms = 500;
  int max_delay_ms = 30'000;
  int max_retry_after_s = 600;  // longer waits that a server asks for are an error
  HttpLimits http;
  /// Called a few times a second, on the calling thread.
  std::function<void(const DownloadProgress&)> progress;
  const std::atomic<bool>* cancel = nullptr;
  /// Bytes free for a file in this folder; for tests.
  std::function<Result<uint64_t>(const std::string& folder)> free_bytes;
};

Result<void> download(const DownloadRequest& request, const DownloadOptions& options);

/// Bytes that an unprivileged user can still write into the file system of `folder`.
Result<uint64_t> free_bytes_in(const std::string& folder);

}  // namespace ondol
