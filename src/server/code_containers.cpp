#include "server/code_containers.h"

#include <algorithm>

#include <fmt/format.h>

#include "server/random_id.h"

namespace ondol::server {
namespace {

bool is_in_use(const CodeContainerPtr& container) {
  return container.use_count() > 1;
}

}  // namespace

// Folders are removed after the lock is given back: that takes its time.
void CodeContainers::remove_idle_locked(std::list<Entry>& removed) {
  const Clock::time_point now = Clock::now();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (is_in_use(entry->container)) {
      entry->last_used = now;
    } else if (now - entry->last_used > limits_.idle) {
      removed.splice(removed.end(), entries_, entry);
    }
    entry = next;
  }
}

Result<CodeContainerPtr> CodeContainers::make(const std::string& owner) {
  auto made = std::make_shared<CodeContainer>(random_id("cntr_"), owner, ONDOL_TRY(TemporaryPlace::make()));
  std::list<Entry> removed;
  const std::lock_guard lock(mutex_);
  remove_idle_locked(removed);
  if (entries_.size() >= limits_.n_containers) {
    const auto idle =
        std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return !is_in_use(entry.container); });
    if (idle == entries_.end())
      return Error(fmt::format("all {} containers are in use; try again later", limits_.n_containers));
    removed.splice(removed.end(), entries_, idle);
  }
  entries_.push_back({made, Clock::now()});
  return made;
}

CodeContainerPtr CodeContainers::find(std::string_view id, const std::string& owner) {
  std::list<Entry> removed;
  const std::lock_guard lock(mutex_);
  remove_idle_locked(removed);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.container->id == id && entry.container->owner == owner;
  });
  if (found == entries_.end()) return nullptr;
  found->last_used = Clock::now();
  entries_.splice(entries_.end(), entries_, found);
  return entries_.back().container;
}

bool CodeContainers::remove_idle() {
  std::list<Entry> removed;
  const std::lock_guard lock(mutex_);
  remove_idle_locked(removed);
  return !entries_.empty();
}

}  // namespace ondol::server
