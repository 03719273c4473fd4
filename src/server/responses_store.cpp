#include "server/responses_store.h"

#include <list>
#include <map>
#include <mutex>

#include "server/responses_run.h"

namespace ondol::server {
namespace {

class MemoryStore final : public ResponseStore {
 public:
  explicit MemoryStore(ResponseStoreLimits limits) : limits_(limits) {}

  void put(const ResponsePtr& response, size_t bytes) override {
    const std::lock_guard lock(mutex_);
    remove_locked(response->id());
    entries_.push_front({response, bytes});
    by_id_[response->id()] = entries_.begin();
    bytes_ += bytes;
    make_room_locked();
  }

  ResponsePtr find(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->response;
  }

  bool remove(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return remove_locked(id);
  }

  std::vector<ResponsePtr> all() const override {
    const std::lock_guard lock(mutex_);
    std::vector<ResponsePtr> responses;
    for (const Entry& entry : entries_) responses.push_back(entry.response);
    return responses;
  }

 private:
  struct Entry {
    ResponsePtr response;
    size_t bytes = 0;
  };

  bool remove_locked(const std::string& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return false;
    bytes_ -= found->second->bytes;
    entries_.erase(found->second);
    by_id_.erase(found);
    return true;
  }

  void make_room_locked() {
    auto entry = entries_.end();
    while (entry != entries_.begin() && (entries_.size() > limits_.responses || bytes_ > limits_.bytes)) {
      --entry;
      if (!entry->response->is_over()) continue;
      bytes_ -= entry->bytes;
      by_id_.erase(entry->response->id());
      entry = entries_.erase(entry);
    }
  }

  const ResponseStoreLimits limits_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the most recently used first
  std::map<std::string, std::list<Entry>::iterator> by_id_;
  size_t bytes_ = 0;
};

}  // namespace

std::shared_ptr<ResponseStore> make_memory_response_store(ResponseStoreLimits limits) {
  return std::make_shared<MemoryStore>(limits);
}

}  // namespace ondol::server
