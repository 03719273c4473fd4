#include "server/code_containers.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "server/random_id.h"

namespace ondol::server {
namespace {

bool is_in_use(const CodeContainerPtr& container) {
  return container.use_count() > 1;
}

int64_t unix_now() {
  return static_cast<int64_t>(std::time(nullptr));
}

}  // namespace

// Folders are removed after the lock is given back: that takes its time.
void CodeContainers::remove_idle_locked(std::list<Entry>& removed) {
  const Clock::time_point now = Clock::now();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (is_in_use(entry->container)) {
      entry->last_used = now;
    } else if (now - entry->last_used > entry->container->idle) {
      removed.splice(removed.end(), entries_, entry);
    }
    entry = next;
  }
}

Result<CodeContainerPtr> CodeContainers::make(const std::string& owner, const CodeContainerWish& wish) {
  const CodeContainerPtr made(new CodeContainer{random_id("cntr_"), owner, wish.name, wish.idle.value_or(limits_.idle),
                                                n_made_++, unix_now(), ONDOL_TRY(TemporaryPlace::make())});
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

std::vector<CodeContainers::Listed> CodeContainers::list(const std::string& owner) {
  std::list<Entry> removed;
  std::vector<Listed> listed;
  const std::lock_guard lock(mutex_);
  remove_idle_locked(removed);
  const auto now = Clock::now();
  for (const Entry& entry : entries_) {
    if (entry.container->owner != owner) continue;
    const auto idle = std::chrono::duration_cast<std::chrono::seconds>(now - entry.last_used).count();
    const int64_t last_active_at = unix_now() - (is_in_use(entry.container) ? 0 : idle);
    listed.push_back({entry.container, last_active_at});
  }
  std::sort(listed.begin(), listed.end(),
            [](const Listed& a, const Listed& b) { return a.container->number > b.container->number; });
  return listed;
}

CodeContainers::Listed CodeContainers::listed_now(CodeContainerPtr container) {
  return {std::move(container), unix_now()};
}

bool CodeContainers::remove(std::string_view id, const std::string& owner) {
  std::list<Entry> removed;
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.container->id == id && entry.container->owner == owner;
  });
  if (found == entries_.end()) return false;
  removed.splice(removed.end(), entries_, found);
  return true;
}

bool CodeContainers::remove_idle() {
  std::list<Entry> removed;
  const std::lock_guard lock(mutex_);
  remove_idle_locked(removed);
  return !entries_.empty();
}

}  // namespace ondol::server
