#include "server/model_pool.h"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "hub/find_model.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxRememberedNames = 1000;

HttpError does_not_fit(const std::string& id, const std::string& why) {
  HttpError error = make_error(503, fmt::format("{}: {}", id, why), "model_does_not_fit");
  // Trying again at once would only load the machine.
  error.headers = {{"x-should-retry", "false"}};
  return error;
}

HttpError is_stopping() {
  return make_error(503, "the server is shutting down", "shutting_down");
}

}  // namespace

Result<std::unique_ptr<ModelPool>> ModelPool::create(PoolOptions options) {
  auto catalog = std::make_unique<ModelCatalog>(Store(options.store), options.load.engine);
  for (const std::string& name : options.models) catalog->add(name, ONDOL_TRY(find_model(name, catalog->store())));
  return std::unique_ptr<ModelPool>(new ModelPool(std::move(options), std::move(catalog)));
}

ModelPool::ModelPool(PoolOptions options, std::unique_ptr<ModelCatalog> catalog)
    : options_(std::move(options)), catalog_(std::move(catalog)) {
  thread_ = std::thread([this] { run(); });
}

ModelPool::~ModelPool() {
  std::list<Wish> left;
  {
    const std::lock_guard lock(shared_->mutex);
    is_stopping_ = true;
    left.swap(wishes_);
  }
  shared_->changed.notify_all();
  thread_.join();
  for (Wish& wish : left) {
    for (Waiter& waiter : wish.waiters) waiter.ready({nullptr, is_stopping()});
  }
  // Schedulers cancel what they still run, whose uses end with that.
  {
    const std::lock_guard lock(shared_->mutex);
    for (Entry& entry : shared_->entries) entry.is_leaving = true;
  }
  for (Entry& entry : shared_->entries) entry.model.reset();
}

Result<void> ModelPool::load_all() {
  for (const std::string& name : options_.models) {
    std::promise<Outcome> promise;
    use(name, [&promise](Outcome outcome) { promise.set_value(std::move(outcome)); });
    const Outcome outcome = promise.get_future().get();
    if (outcome.error) return Error(outcome.error->message);
  }
  return {};
}

ModelPool::Entry* ModelPool::find_locked(const std::string& id) const {
  for (Entry& entry : shared_->entries) {
    if (!entry.is_leaving && entry.model->id() == id) return &entry;
  }
  return nullptr;
}

/// `counts`: for how long the model stays.
ModelUse ModelPool::use_locked(Entry& entry, bool counts) const {
  ++entry.n_users;
  if (counts) entry.last_used = Clock::now();
  const auto release = [shared = shared_, &entry, counts](const LoadedModel*) {
    const std::lock_guard lock(shared->mutex);
    --entry.n_users;
    if (counts) entry.last_used = Clock::now();
    shared->changed.notify_all();
  };
  return ModelUse(entry.model.get(), release);
}

void ModelPool::use(const std::string& name, std::function<void(Outcome)> ready, std::function<bool()> is_wanted) {
  Outcome outcome;
  {
    const std::lock_guard lock(shared_->mutex);
    const auto id = ids_.find(name);
    Entry* entry = id == ids_.end() ? nullptr : find_locked(id->second);
    if (entry != nullptr) {
      outcome.model = use_locked(*entry);
    } else if (is_stopping_) {
      outcome.error = is_stopping();
    } else {
      const auto same = std::find_if(wishes_.begin(), wishes_.end(), [&](const Wish& w) { return w.name == name; });
      Wish& wish = same != wishes_.end() ? *same : wishes_.emplace_back(Wish{name, {}});
      wish.waiters.push_back({std::move(ready), std::move(is_wanted)});
      shared_->changed.notify_all();
      return;
    }
  }
  ready(std::move(outcome));
}

void ModelPool::set_keep_alive(const std::string& id, std::chrono::seconds time) {
  const std::lock_guard lock(shared_->mutex);
  if (Entry* entry = find_locked(id)) entry->keep_alive = time;
  shared_->changed.notify_all();
}

std::vector<ModelPool::Loaded> ModelPool::loaded() const {
  std::vector<Loaded> all;
  const std::lock_guard lock(shared_->mutex);
  for (Entry& entry : shared_->entries) {
    if (entry.is_leaving) continue;
    Loaded loaded;
    if (const auto end = expiry(entry)) {
      loaded.expires_in = std::chrono::duration_cast<std::chrono::seconds>(*end - Clock::now());
    }
    loaded.model = use_locked(entry, false);
    loaded.is_pinned = entry.is_pinned;
    all.push_back(std::move(loaded));
  }
  return all;
}

std::optional<ModelPool::Clock::time_point> ModelPool::expiry(const Entry& entry) const {
  if (entry.is_pinned || entry.keep_alive.count() < 0) return {};
  return entry.last_used + entry.keep_alive;
}

// The pool's thread.

void ModelPool::run() {
  while (auto wish = next_wish()) {
    std::vector<Outcome> outcomes = outcomes_for(*wish);
    for (size_t i = 0; i < outcomes.size(); ++i) wish->waiters[i].ready(std::move(outcomes[i]));
  }
}

std::vector<ModelPool::Outcome> ModelPool::outcomes_for(const Wish& wish) {
  const Outcome outcome = fulfil(wish);
  std::vector<Outcome> outcomes(wish.waiters.size(), Outcome{nullptr, outcome.error});
  if (outcome.error) return outcomes;
  const std::lock_guard lock(shared_->mutex);
  Entry* entry = find_locked(outcome.model->id());
  for (Outcome& own : outcomes) {
    if (entry != nullptr) own.model = use_locked(*entry);
    if (entry == nullptr) own.error = is_stopping();
  }
  return outcomes;
}

/// Waits, and unloads what has not been used for long. Nothing at the end.
std::optional<ModelPool::Wish> ModelPool::next_wish() {
  for (;;) {
    unload_idle();
    std::unique_lock lock(shared_->mutex);
    if (is_stopping_) return {};
    if (!wishes_.empty()) {
      Wish wish = std::move(wishes_.front());
      wishes_.pop_front();
      return wish;
    }
    std::optional<Clock::time_point> next;
    for (const Entry& entry : shared_->entries) {
      const auto end = entry.n_users == 0 ? expiry(entry) : std::nullopt;
      if (end && (!next || *end < *next)) next = end;
    }
    if (next) {
      shared_->changed.wait_until(lock, *next);
    } else {
      shared_->changed.wait(lock);
    }
  }
}

void ModelPool::unload(std::list<Entry>::iterator entry, std::unique_lock<std::mutex>& lock) {
  const std::unique_ptr<LoadedModel> model = std::move(entry->model);
  shared_->entries.erase(entry);
  lock.unlock();
  if (options_.load.log) options_.load.log(fmt::format("{}: unloaded", model->id()));
}

void ModelPool::unload_idle() {
  for (;;) {
    std::unique_lock lock(shared_->mutex);
    const auto now = Clock::now();
    const auto entry = std::find_if(shared_->entries.begin(), shared_->entries.end(), [&](const Entry& e) {
      const auto end = expiry(e);
      return e.n_users == 0 && (e.is_leaving || (end && *end <= now));
    });
    if (entry == shared_->entries.end()) return;
    unload(entry, lock);
  }
}

/// Unloads the model that was used least recently, waiting for its users. False when none can go.
bool ModelPool::make_room() {
  std::unique_lock lock(shared_->mutex);
  auto& entries = shared_->entries;
  auto least = entries.end();
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    if (it->is_pinned) continue;
    const auto rank = [](const Entry& e) { return std::pair(e.n_users > 0, e.last_used); };
    if (least == entries.end() || rank(*it) < rank(*least)) least = it;
  }
  if (least == entries.end()) return false;
  least->is_leaving = true;
  const bool is_free =
      shared_->changed.wait_for(lock, options_.longest_wait, [&] { return least->n_users == 0 || is_stopping_; });
  if (!is_free || is_stopping_) {
    least->is_leaving = false;
    return false;
  }
  unload(least, lock);
  return true;
}

int64_t ModelPool::bytes_that_could_go() const {
  int64_t bytes = 0;
  const std::lock_guard lock(shared_->mutex);
  for (const Entry& entry : shared_->entries) {
    const MemoryPlan& plan = entry.model->engine().plan();
    if (!entry.is_pinned)
      bytes += plan.weights_bytes + plan.working_bytes + plan.kv_bytes_per_token * plan.context_length;
  }
  return bytes;
}

/// Unloads others until the model fits, unless that would be for nothing.
std::optional<HttpError> ModelPool::find_room(const StoredModel& model, ModelInfo& info) {
  const EngineOptions& engine = options_.load.engine;
  for (;;) {
    auto read = read_model_info(model.path, engine, options_.free_memory());
    if (!read) return make_error(500, read.error().message(), "model_not_loaded");
    info = std::move(*read);
    if (info.plan.fits) return {};
    MemoryPlan best = info.plan;
    best.available_bytes += bytes_that_could_go();
    const int64_t least = engine.context.length > 0 ? engine.context.length : kMinContext;
    if (best.fitting_context() < std::min(best.context_wanted, least) || !make_room()) {
      return does_not_fit(model.name, info.plan.explain());
    }
  }
}

bool ModelPool::is_pinned(const std::string& id) const {
  return std::any_of(options_.models.begin(), options_.models.end(),
                     [&](const std::string& name) { return catalog_->find(name).model.name == id; });
}

ModelPool::Outcome ModelPool::fulfil(const Wish& wish) {
  const auto is_wanted = [](const Waiter& waiter) { return !waiter.is_wanted || waiter.is_wanted(); };
  if (std::none_of(wish.waiters.begin(), wish.waiters.end(), is_wanted)) {
    return {nullptr, make_error(503, "nobody waits for this model any more")};
  }
  const ModelCatalog::Found found = catalog_->find(wish.name);
  if (found.error) return {nullptr, found.error};
  const std::string& id = found.model.name;
  {
    const std::lock_guard lock(shared_->mutex);
    if (ids_.size() >= kMaxRememberedNames) ids_.clear();
    ids_[wish.name] = id;
    ids_[id] = id;
    if (Entry* entry = find_locked(id)) return {use_locked(*entry), {}};
  }
  ModelInfo info;
  if (auto error = find_room(found.model, info)) return {nullptr, std::move(error)};
  LoadOptions load = options_.load;
  load.engine.context = {info.plan.context_length};
  auto model = LoadedModel::open(id, found.model.path, std::move(info), load);
  if (!model) return {nullptr, make_error(500, model.error().message(), "model_not_loaded")};
  if (load.log) {
    load.log(fmt::format("{}: loaded, with a context of {} tokens", id, (*model)->engine().context_length()));
  }
  const bool stays = is_pinned(id);
  const std::lock_guard lock(shared_->mutex);
  Entry& entry = shared_->entries.emplace_back();
  entry.model = std::move(*model);
  entry.is_pinned = stays;
  entry.keep_alive = options_.keep_alive;
  return {use_locked(entry), {}};
}

}  // namespace ondol::server
