// ResponseStore: responses that can be fetched, continued and cancelled after their request has ended.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace ondol::server {

class ResponseRun;
using ResponsePtr = std::shared_ptr<ResponseRun>;

class ResponseStore {
 public:
  virtual ~ResponseStore() = default;

  /// Keeps a response, whose size is now `bytes`; one with the same id is replaced.
  virtual void put(const ResponsePtr& response, size_t bytes) = 0;
  /// Null when it was never here, was removed, or was dropped.
  virtual ResponsePtr find(const std::string& id) = 0;
  virtual bool remove(const std::string& id) = 0;
  /// The most recently used first.
  virtual std::vector<ResponsePtr> all() const = 0;
};

struct ResponseStoreLimits {
  size_t responses = 2000;
  size_t bytes = size_t{256} << 20;
};

/// In memory, until the program ends. Beyond a limit, what was used least recently is dropped, but none that runs.
std::shared_ptr<ResponseStore> make_memory_response_store(ResponseStoreLimits limits = {});

}  // namespace ondol::server
