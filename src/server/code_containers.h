// CodeContainers: folders in which programs of a model run (responses_code.h), each with what its programs left there,
// for as long as somebody uses it. None outlives the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "agent/sandbox_files.h"
#include "base/result.h"

namespace ondol::server {

struct CodeContainerLimits {
  size_t n_containers = 32;                        // what nobody uses goes first when another is needed
  uint64_t bytes = uint64_t{256} << 20;            // of a container's files
  uint64_t memory_bytes = uint64_t{1} << 30;       // of a program
  double program_seconds = 60;                     // that a program may take
  std::chrono::milliseconds idle{20 * 60 * 1000};  // after which one is removed that nobody uses
};

/// In use for as long as somebody holds a pointer to it.
struct CodeContainer {
  CodeContainer(std::string id, std::string owner, TemporaryPlace place)
      : id(std::move(id)), owner(std::move(owner)), place(std::move(place)) {}

  const std::string id;     // "cntr_..."
  const std::string owner;  // ownership.h
  const TemporaryPlace place;
  std::mutex mutex;             // one program at a time, and of what follows
  std::set<std::string> files;  // ids of kept files that were put there
};
using CodeContainerPtr = std::shared_ptr<CodeContainer>;

/// From any thread.
class CodeContainers {
 public:
  explicit CodeContainers(CodeContainerLimits limits = {}) : limits_(limits) {}

  const CodeContainerLimits& limits() const { return limits_; }

  /// Error: all that there may be are in use, or the disk.
  Result<CodeContainerPtr> make(const std::string& owner);
  /// Null: there is none, it has expired, or it is somebody else's.
  CodeContainerPtr find(std::string_view id, const std::string& owner);
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
  std::mutex mutex_;
  std::list<Entry> entries_;  // the longest unused first
};

}  // namespace ondol::server
