#include "server/model_pool.h"

#include <algorithm>
#include <filesystem>
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
  for (const auto& [name, model] : options.aliases) {
    if (name.empty() || model.empty()) return Error("--alias: expected NAME=MODEL, got an empty name or model");
  }
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
  std::vector<std::string> names = options_.models;
  if (names.empty() && !options_.adapters.empty()) names.push_back("");  // the default model
  std::vector<ModelUse> models;
  for (const std::string& name : names) {
    std::promise<Outcome> promise;
    use(name, [&promise](Outcome outcome) { promise.set_value(std::move(outcome)); });
    const Outcome outcome = promise.get_future().get();
    if (outcome.error) return Error(outcome.error->message);
    const auto is_it = [&](const ModelUse& other) { return other->id() == outcome.model->id(); };
    if (std::none_of(models.begin(), models.end(), is_it)) models.push_back(outcome.model);
  }
  for (const AdapterToLoad& wanted : options_.adapters) ONDOL_TRY(load_adapter(wanted, models));
  for (const auto& [name, model] : options_.aliases) {
    const Named found = resolve(model);
    if (found.error) return Error(fmt::format("--alias {}={}: {}", name, model, found.error->message));
  }
  return {};
}

/// One with a name is for the first model that it fits, one without for all of those.
Result<void> ModelPool::load_adapter(const AdapterToLoad& wanted, const std::vector<ModelUse>& models) {
  std::optional<HttpError> first_error;
  bool fits = false;
  for (const ModelUse& model : models) {
    RegisteredAdapter entry;
    entry.name = wanted.name;
    entry.path = wanted.path;
    entry.factor = wanted.factor;
    if (wanted.name.empty()) {
      entry.usual_factor = wanted.factor;
      const std::string stem = std::filesystem::path(wanted.path + (wanted.path.ends_with('/') ? "." : "")).stem();
      entry.name = stem.empty() ? "adapter" : stem;
      for (char& c : entry.name) c = c <= ' ' || c == ':' || c == '=' || c == ',' || c == 0x7f ? '-' : c;
      const std::string start = entry.name;
      for (int i = 2; adapters_.find(entry.name) || !catalog_->find(entry.name).error; ++i) {
        entry.name = fmt::format("{}-{}", start, i);
      }
    }
    const auto added = add_adapter(*model, std::move(entry), false);
    fits = fits || !added.error;
    if (added.error && !first_error) first_error = added.error;
    if (!added.error && !wanted.name.empty()) break;
  }
  if (!fits && first_error) return Error(fmt::format("--adapter: {}", first_error->message));
  return {};
}

AdapterRegistry::Added ModelPool::add_adapter(const LoadedModel& model, RegisteredAdapter wanted, bool replaces) {
  if (!wanted.name.empty() && !catalog_->find(wanted.name).error) {
    HttpError error = make_error(409, fmt::format("name: '{}' is the name of a model", wanted.name), "adapter_exists");
    error.parameter = "name";
    return {{}, std::move(error)};
  }
  return adapters_.add(model, std::move(wanted), replaces);
}

ModelPool::Named ModelPool::resolve(const std::string& asked) const {
  const auto alias = options_.aliases.find(asked);
  const std::string& name = alias == options_.aliases.end() ? asked : alias->second;
  const auto of_adapter = [&](const RegisteredAdapter& entry) {
    ModelCatalog::Found found = catalog_->find(entry.model);
    return Named{std::move(found.model), entry.name, std::move(found.error)};
  };
  if (const auto entry = adapters_.find(name)) return of_adapter(*entry);
  ModelCatalog::Found found = catalog_->find(name);
  if (!found.error) return {std::move(found.model), "", {}};
  constexpr std::string_view kLatest = ":latest";
  if (name.ends_with(kLatest)) {
    const std::string short_name = name.substr(0, name.size() - kLatest.size());
    if (adapters_.find(short_name) || options_.aliases.contains(short_name)) return resolve(short_name);
  }
  const size_t colon = name.rfind(':');
  if (colon != std::string::npos) {
    const ModelCatalog::Found base = catalog_->find(name.substr(0, colon));
    const std::string tail = name.substr(colon + 1);
    const auto entry = adapters_.find(tail);
    if (!base.error && colon > 0 && entry && entry->model == base.model.name) return of_adapter(*entry);
    if (!base.error && colon > 0 && !adapters_.list(base.model.name).empty()) {
      return {{}, "", unknown_adapter(base.model.name, tail, adapters_.list())};
    }
  }
  std::vector<StoredModel> all = catalog_->list();
  for (const RegisteredAdapter& entry : adapters_.list()) all.push_back({entry.name, "", 0, 0, {}});
  return {{}, "", unknown_model(asked, all)};
}

std::string ModelPool::name_or_only_model(const std::string& name) const {
  if (!resolve(name).error) return name;
  // Who knows the model means one of its adapters.
  const size_t colon = name.rfind(':');
  if (colon != std::string::npos && !catalog_->find(name.substr(0, colon)).error) return name;
  if (options_.models.size() == 1) return catalog_->find(options_.models[0]).model.name;
  if (!options_.models.empty()) return name;
  const std::vector<StoredModel> all = catalog_->list();
  return all.size() == 1 ? all[0].name : name;
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

/// The loaded model that a name is known to stand for, and the adapter.
ModelPool::Entry* ModelPool::find_known_locked(const std::string& name, std::string& adapter) const {
  const auto known = known_.find(name);
  const auto entry = adapters_.find(known == known_.end() ? name : known->second.adapter);
  if (known == known_.end()) {
    if (!entry || options_.aliases.contains(name)) return nullptr;
    adapter = entry->name;
    return find_locked(entry->model);
  }
  const Known& what = known->second;
  // Adapters come and go.
  if (!what.adapter.empty() && (!entry || entry->model != what.id)) return nullptr;
  adapter = what.adapter;
  return find_locked(what.id);
}

void ModelPool::use(const std::string& name, std::function<void(Outcome)> ready, std::function<bool()> is_wanted) {
  Outcome outcome;
  {
    const std::lock_guard lock(shared_->mutex);
    Entry* entry = find_known_locked(name, outcome.adapter);
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

std::shared_ptr<const void> ModelPool::hold(const std::string& id) {
  const std::lock_guard lock(shared_->mutex);
  Entry* entry = find_locked(id);
  if (entry == nullptr) return nullptr;
  ++entry->n_holders;
  // A use goes with it, so that the entry stays as long.
  return std::shared_ptr<const void>(entry, [shared = shared_, use = use_locked(*entry)](Entry* held) {
    const std::lock_guard guard(shared->mutex);
    --held->n_holders;
  });
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
  std::vector<Outcome> outcomes(wish.waiters.size(), Outcome{nullptr, outcome.error, outcome.adapter});
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
  adapters_.model_unloads(model->id());
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
    if (it->is_pinned || it->n_holders > 0) continue;
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
    if (!entry.is_pinned && entry.n_holders == 0)
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
  Named found = resolve(wish.name);
  if (found.error) return {nullptr, std::move(found.error)};
  {
    const std::lock_guard lock(shared_->mutex);
    if (known_.size() >= kMaxRememberedNames) known_.clear();
    known_[wish.name] = {found.model.name, found.adapter};
    known_[found.model.name] = {found.model.name, ""};
  }
  Outcome outcome = use_or_load(found.model);
  outcome.adapter = std::move(found.adapter);
  return outcome;
}

ModelPool::Outcome ModelPool::use_or_load(const StoredModel& stored) {
  const std::string& id = stored.name;
  {
    const std::lock_guard lock(shared_->mutex);
    if (Entry* entry = find_locked(id)) return {use_locked(*entry), {}};
  }
  ModelInfo info;
  if (auto error = find_room(stored, info)) return {nullptr, std::move(error)};
  LoadOptions load = options_.load;
  load.engine.context = {info.plan.context_length};
  auto model = LoadedModel::open(id, stored.path, std::move(info), load);
  if (!model) return {nullptr, make_error(500, model.error().message(), "model_not_loaded")};
  if (load.log) {
    load.log(fmt::format("{}: loaded, with a context of {} tokens", id, (*model)->engine().context_length()));
  }
  adapters_.model_loaded(**model);
  const bool stays = is_pinned(id);
  const std::lock_guard lock(shared_->mutex);
  Entry& entry = shared_->entries.emplace_back();
  entry.model = std::move(*model);
  entry.is_pinned = stays;
  entry.keep_alive = options_.keep_alive;
  return {use_locked(entry), {}};
}

}  // namespace ondol::server
