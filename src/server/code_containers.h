// CodeContainers: folders in which programs of a model run (code_interpreter.h), each with what its programs left
// there, for as long as somebody uses it. None outlives the server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/sandbox_files.h"
#include "base/result.h"

namespace ondol::server {

struct CodeContainerLimits {
  size_t n_containers = 32;                        // what nobody uses goes first when another is needed
  uint64_t bytes = uint64_t{256} << 20;            // of a container's files
  uint64_t memory_bytes = uint64_t{1} << 30;       // of a program
  double program_seconds = 60;                     // that a program may take
  std::chrono::milliseconds idle{20 * 60 * 1000};  // after which one is removed that nobody uses; it may ask for less
};

struct CodeContainerWish {
  std::string name = {};
  std::optional<std::chrono::milliseconds> idle = {};  // none: as the limits have it
};

/// In use for as long as somebody holds a pointer to it.
struct CodeContainer {
  const std::string id;     // "cntr_..."
  const std::string owner;  // ownership.h
  const std::string name;
  const std::chrono::milliseconds idle;
  const uint64_t number;     // how many were made before it
  const int64_t created_at;  // Unix seconds
  const TemporaryPlace place;
  std::mutex mutex = {};             // one program at a time, and of what follows
  std::set<std::string> files = {};  // ids of kept files that were put there
  std::mutex given_mutex = {};
  std::set<std::string> given = {};  // paths of files that clients put there
};
using CodeContainerPtr = std::shared_ptr<CodeContainer>;

/// From any thread.
class CodeContainers {
 public:
  explicit CodeContainers(CodeContainerLimits limits = {}) : limits_(limits) {}

  const CodeContainerLimits& limits() const { return limits_; }

  /// Error: all that there may be are in use, or the disk.
  Result<CodeContainerPtr> make(const std::string& owner, const CodeContainerWish& wish = {});
  /// Null: there is none, it has expired, or it is somebody else's.
  CodeContainerPtr find(std::string_view id, const std::string& owner);
  struct Listed {
    CodeContainerPtr container;
    int64_t last_active_at = 0;  // Unix seconds
  };
  /// The latest made first. Looking at the list is no use of any.
  std::vector<Listed> list(const std::string& owner);
  static Listed listed_now(CodeContainerPtr container);
  /// One in which a program runs is gone when that has ended. False: there is none, or it is somebody else's.
  bool remove(std::string_view id, const std::string& owner);
  /// Removes what nobody has used for too long. True where some are left.
  bool remove_idle();

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    CodeContainerPtr container;
    Clock::time_point last_used;
  };

  void remove_idle_locked(std::list<Entry>& removed);

  const CodeContainerLimits limits_;
  std::atomic<uint64_t> n_made_{0};
  std::mutex mutex_;
  std::list<Entry> entries_;  // the longest unused first
};

}  // namespace ondol::server
