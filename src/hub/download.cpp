#include "hub/download.h"

#include <sys/statvfs.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "hub/part_on_disk.h"
#include "hub/sha256.h"

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr uint64_t kSmallestPiece = uint64_t{1} << 20;

Error cancelled(const std::string& path) {
  return Error(fmt::format("{}: stopped; what is there will be used next time", path));
}

// "bytes 0-99/1000" fits a request for [begin, end) of a file of this size; the server may send less than was asked.
bool content_range_fits(const std::string& header, uint64_t begin, uint64_t size) {
  unsigned long long first = 0, last = 0, total = 0;
  if (std::sscanf(header.c_str(), "bytes %llu-%llu/%llu", &first, &last, &total) != 3) return false;
  return first == begin && last >= first && total == size;
}

// Bytes per second over the last seconds.
class RateMeter {
 public:
  explicit RateMeter(uint64_t done) : last_done_(done) {}

  double update(uint64_t done) {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - last_time_).count();
    if (seconds < 0.05) return rate_;
    const double current = static_cast<double>(done - last_done_) / seconds;
    const double weight = rate_ == 0 ? 1 : std::min(1.0, seconds / 3);
    rate_ += (current - rate_) * weight;
    last_time_ = now;
    last_done_ = done;
    return rate_;
  }

 private:
  Clock::time_point last_time_ = Clock::now();
  uint64_t last_done_;
  double rate_ = 0;
};

class Job {
 public:
  Job(const DownloadRequest& request, const DownloadOptions& options, DownloadSource source, PartOnDisk& part)
      : request_(request),
        options_(options),
        part_(part),
        source_(std::move(source)),
        size_(source_.size),
        rate_(part.done_bytes()) {}

  Result<void> run() {
    const uint64_t share = size_ / (2 * static_cast<uint64_t>(std::max(1, options_.n_connections))) + 1;
    const uint64_t piece = std::min(options_.piece_bytes, std::max(kSmallestPiece, share));
    for (const auto& range : part_.missing(piece)) queue_.push_back(range);
    const auto n_workers = std::min<size_t>(queue_.size(), static_cast<size_t>(std::max(1, options_.n_connections)));
    run_threads(n_workers, [this] { work(); });
    if (whole_ && !error_ && !is_cancelled()) {
      stop_ = false;
      run_threads(1, [this] { work_whole(); });
    }
    const auto saved = part_.save_state();
    if (error_) return *error_;
    if (is_cancelled()) return cancelled(request_.path);
    if (part_.done_bytes() != size_)
      return Error(fmt::format("{}: expected {} bytes, got {}", request_.path, size_, part_.done_bytes()));
    return saved;
  }

 private:
  bool is_cancelled() const { return options_.cancel != nullptr && options_.cancel->load(); }

  // Runs workers and, on this thread, reports until they are done.
  template <typename Body>
  void run_threads(size_t n, Body body) {
    std::vector<std::thread> threads;
    n_running_ = n;
    for (size_t i = 0; i < n; ++i) {
      threads.emplace_back([this, body] {
        body();
        const std::scoped_lock lock(mutex_);
        --n_running_;
        changed_.notify_all();
      });
    }
    std::unique_lock lock(mutex_);
    while (n_running_ > 0) {
      changed_.wait_for(lock, kTick);
      if (is_cancelled()) stop_ = true;
      lock.unlock();
      report();
      lock.lock();
    }
    lock.unlock();
    for (std::thread& thread : threads) thread.join();
    report();
  }

  void report() {
    if (!options_.progress) return;
    shown_ = std::max(shown_, part_.done_bytes());
    DownloadProgress progress;
    progress.done_bytes = shown_;
    progress.total_bytes = size_;
    progress.bytes_per_second = rate_.update(shown_);
    if (progress.bytes_per_second > 1)
      progress.seconds_left = static_cast<double>(size_ - shown_) / progress.bytes_per_second;
    options_.progress(progress);
  }

  void fail(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = std::move(error);
    stop_ = true;
    changed_.notify_all();
  }

  void pause(int64_t milliseconds) {
    const auto until = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (!stop_ && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

  std::optional<RangeSet::Range> next_piece() {
    const std::scoped_lock lock(mutex_);
    if (queue_.empty() || stop_) return std::nullopt;
    const auto piece = queue_.front();
    queue_.pop_front();
    return piece;
  }

  DownloadSource source() {
    const std::scoped_lock lock(mutex_);
    return source_;
  }

  void work() {
    HttpClient client(options_.http, &stop_);
    while (const auto piece = next_piece()) {
      int failures = 0;
      for (uint64_t at = piece->first; at < piece->second && !stop_;) {
        const uint64_t before = at;
        const HttpReply reply = request_range(client, at, piece->second);
        if (at > before) failures = 0;
        if (at >= piece->second || stop_) break;
        if (!recover(reply, ++failures)) return;
      }
    }
  }

  // Asks for [at, end) and moves `at` over what arrives.
  HttpReply request_range(HttpClient& client, uint64_t& at, uint64_t end) {
    const DownloadSource from = source();
    HttpRequest request{from.url, from.headers, false};
    const uint64_t begin = at;
    const bool is_whole = begin == 0 && end == size_;
    if (!is_whole) {
      request.headers.push_back(fmt::format("Range: bytes={}-{}", begin, end - 1));
      if (!from.etag.empty() && !from.etag.starts_with("W/")) request.headers.push_back("If-Range: " + from.etag);
    }
    bool carries_file = false;  // the body of an error does not
    HttpSink sink;
    sink.begin = [&](const HttpReply& reply) {
      carries_file = reply.status == 200 || reply.status == 206;
      if (reply.status == 200 && !is_whole) {
        whole_ = true;  // no ranges here, or another version: take all of it
        stop_ = true;
        return false;
      }
      if (reply.status == 206 && !content_range_fits(reply.header("content-range"), begin, size_)) {
        fail(Error(fmt::format("{}: the file changed on the server; start again", request_.path)));
        return false;
      }
      return true;
    };
    sink.data = [&](std::span<const char> bytes) { return !carries_file || take(at, end, bytes); };
    return client.send(request, &sink);
  }

  bool take(uint64_t& at, uint64_t end, std::span<const char> bytes) {
    bytes = bytes.first(std::min<uint64_t>(bytes.size(), end - at));
    const auto written = part_.write(at, bytes);
    if (!written) {
      fail(written.error());
      return false;
    }
    at += bytes.size();
    return true;
  }

  // For servers without ranges: the whole file in one reply, from the start after every cut.
  void work_whole() {
    HttpClient client(options_.http, &stop_);
    for (int failures = 0; !stop_;) {
      uint64_t at = 0;
      const HttpReply reply = request_range(client, at, size_);
      if (at >= size_ || stop_) return;
      if (!recover(reply, ++failures)) return;
    }
  }

  // After a reply that did not bring everything: waits and returns true to try again, or fails and returns false.
  bool recover(const HttpReply& reply, int failures) {
    if (stop_) return false;
    const std::string what = reply.status >= 300             ? fmt::format("the server answered {}", reply.status)
                             : reply.transport_error.empty() ? "the connection ended early"
                                                             : reply.transport_error;
    if (failures > options_.max_failures)
      return fail(Error(
                 fmt::format("{}: {}; gave up after {} attempts, try again later", request_.path, what, failures))),
             false;
    if (reply.status == 401 || reply.status == 403 || reply.status == 404 || reply.status == 410) {
      if (failures > 2) return fail(Error(fmt::format("{}: {}", request_.path, what))), false;
      return locate_again();
    }
    const bool may_pass = reply.status < 400 || reply.status == 408 || reply.status == 429 || reply.status >= 500;
    if (!may_pass) return fail(Error(fmt::format("{}: {}", request_.path, what))), false;
    int64_t delay =
        std::min<int64_t>(options_.max_delay_ms, int64_t{options_.first_delay_ms} << std::min(failures - 1, 16));
    const std::string wait = reply.header("retry-after");
    if ((reply.status == 429 || reply.status == 503) && !wait.empty()) {
      const int64_t seconds = retry_after_seconds(wait, std::time(nullptr), 1);
      if (seconds > options_.max_retry_after_s) {
        return fail(Error(fmt::format("{}: the server asks to wait {} s; try again then", request_.path, seconds))),
               false;
      }
      delay = std::max(delay, seconds * 1000);
    }
    pause(delay);
    return !stop_;
  }

  // A signed address has expired.
  bool locate_again() {
    auto fresh = request_.locate();
    if (!fresh) return fail(fresh.error()), false;
    if (fresh->size != size_ || fresh->identity != source().identity) {
      return fail(Error(fmt::format("{}: the file changed on the server; start again", request_.path))), false;
    }
    const std::scoped_lock lock(mutex_);
    source_ = *std::move(fresh);
    return true;
  }

  const DownloadRequest& request_;
  const DownloadOptions& options_;
  PartOnDisk& part_;
  DownloadSource source_;
  const uint64_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<RangeSet::Range> queue_;
  std::optional<Error> error_;
  size_t n_running_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> whole_ = false;
  uint64_t shown_ = 0;
  RateMeter rate_;
};

Result<void> check_space(const DownloadRequest& request, const DownloadOptions& options, uint64_t size) {
  const std::string folder = std::filesystem::path(request.path).parent_path().string();
  const uint64_t reserved = std::min(size, reserved_bytes(request.path));
  const uint64_t free = ONDOL_TRY(options.free_bytes ? options.free_bytes(folder) : free_bytes_in(folder));
  if (size - reserved <= free) return {};
  return Error(
      fmt::format("{}: not enough space: expected {} bytes free, got {}; remove something (ondol list, ondol rm) or "
                  "set ONDOL_HOME to another disk",
                  folder, size - reserved, free));
}

Result<void> verify(const DownloadRequest& request, const DownloadOptions& options, PartOnDisk& part, uint64_t size) {
  if (request.sha256.empty()) return {};
  const auto is_cancelled = [&options] { return options.cancel != nullptr && options.cancel->load(); };
  const auto sum = sha256_of_file(part.part_path(), [&](uint64_t done) {
    DownloadProgress progress{DownloadProgress::Stage::kVerifying, done, size, 0, 0};
    if (options.progress) options.progress(progress);
    return !is_cancelled();
  });
  if (is_cancelled()) return cancelled(request.path);
  if (!sum) return sum.error();
  if (*sum == request.sha256) return {};
  part.discard();
  return Error(fmt::format("{}: the download is damaged and was removed: expected SHA-256 {}, got {}; try again",
                           request.path, request.sha256, *sum));
}

}  // namespace

Result<uint64_t> free_bytes_in(const std::string& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0)
    return Error(fmt::format("{}: cannot read the free space: {}", folder, std::strerror(errno)));
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<void> download(const DownloadRequest& request, const DownloadOptions& options) {
  DownloadSource source = ONDOL_TRY(request.locate());
  const uint64_t size = source.size;
  ONDOL_TRY(check_space(request, options, size));
  const auto part = ONDOL_TRY(PartOnDisk::open(request.path, size, source.identity, options.state_every_bytes));
  ONDOL_TRY(Job(request, options, std::move(source), *part).run());
  ONDOL_TRY(verify(request, options, *part, size));
  return part->publish();
}

}  // namespace ondol
