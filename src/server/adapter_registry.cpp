#include "server/adapter_registry.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxNameBytes = 200;
constexpr size_t kMaxAdapters = 10000;

HttpError wrong(std::string parameter, std::string message, int status = 400, const char* code = "invalid_adapter") {
  HttpError error = make_error(status, std::move(message), code);
  error.parameter = std::move(parameter);
  return error;
}

std::optional<HttpError> check(const RegisteredAdapter& wanted) {
  const std::string& name = wanted.name;
  const auto is_odd = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == ':' || c == '=' || c == ',';
  };
  if (name.empty() || name.size() > kMaxNameBytes || !is_valid_utf8(name) ||
      std::any_of(name.begin(), name.end(), is_odd)) {
    return wrong("name", fmt::format("name: expected up to {} bytes without spaces and without ':', '=' and ','",
                                     kMaxNameBytes));
  }
  if (wanted.path.empty()) return wrong("path", "path: expected a GGUF file, or a folder as PEFT writes it");
  if (!std::isfinite(wanted.factor) || !std::isfinite(wanted.usual_factor)) {
    return wrong("factor", "factor: expected a finite number");
  }
  return {};
}

HttpError not_in_memory(const RegisteredAdapter& entry) {
  return make_error(
      503,
      fmt::format("the adapter '{}' could not be read again when its model was loaded: {}", entry.name, entry.problem),
      "adapter_not_loaded");
}

}  // namespace

HttpError unknown_adapter(const std::string& model, const std::string& name,
                          const std::vector<RegisteredAdapter>& all) {
  std::string names;
  for (const RegisteredAdapter& entry : all) {
    if (entry.model == model || model.empty()) names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
  }
  const std::string there = names.empty() ? "there are none" : "there are: " + names;
  return model.empty()
             ? wrong("name", fmt::format("there is no adapter '{}'; {}", name, there), 404, "adapter_not_found")
             : wrong("model", fmt::format("the model '{}' has no adapter '{}'; {}", model, name, there), 404,
                     "adapter_not_found");
}

AdapterRegistry::Added AdapterRegistry::add(const LoadedModel& model, RegisteredAdapter wanted, bool replaces) {
  if (auto error = check(wanted)) return {{}, std::move(error)};
  const auto taken = [&]() -> std::optional<HttpError> {
    if (entries_.size() >= kMaxAdapters) return wrong("name", "there are too many adapters", 409);
    for (const RegisteredAdapter& entry : entries_) {
      if (entry.name != wanted.name || (replaces && entry.model == model.id())) continue;
      return wrong("name",
                   fmt::format("the adapter '{}' is there already, for the model '{}'", entry.name, entry.model), 409,
                   "adapter_exists");
    }
    return {};
  };
  {
    const std::lock_guard lock(mutex_);
    if (auto error = taken()) return {{}, std::move(error)};
  }
  auto adapter = model.engine().load_adapter(wanted.path);
  if (!adapter) return {{}, wrong("path", adapter.error().message())};
  wanted.model = model.id();
  wanted.adapter = std::move(*adapter);
  const std::lock_guard lock(mutex_);
  if (auto error = taken()) return {{}, std::move(error)};
  std::erase_if(entries_, [&](const RegisteredAdapter& entry) { return entry.name == wanted.name; });
  wanted.id = next_id_++;
  entries_.push_back(wanted);
  return {std::move(wanted), {}};
}

void AdapterRegistry::remember(RegisteredAdapter entry) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const RegisteredAdapter& other) { return other.name == entry.name; });
  entry.id = next_id_++;
  entry.adapter = nullptr;
  entries_.push_back(std::move(entry));
}

bool AdapterRegistry::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(entries_, [&](const RegisteredAdapter& entry) { return entry.name == name; }) > 0;
}

std::optional<RegisteredAdapter> AdapterRegistry::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  for (const RegisteredAdapter& entry : entries_) {
    if (entry.name == name) return entry;
  }
  return {};
}

std::vector<RegisteredAdapter> AdapterRegistry::list(const std::string& model) const {
  const std::lock_guard lock(mutex_);
  std::vector<RegisteredAdapter> all;
  for (const RegisteredAdapter& entry : entries_) {
    if (model.empty() || entry.model == model) all.push_back(entry);
  }
  return all;
}

const RegisteredAdapter* AdapterRegistry::find_in(const std::vector<RegisteredAdapter>& entries,
                                                  const AdapterChoice& choice, const std::string& model) {
  for (const RegisteredAdapter& entry : entries) {
    if (entry.model == model && (choice.id ? entry.id == *choice.id : entry.name == choice.name)) return &entry;
  }
  return nullptr;
}

std::optional<HttpError> AdapterRegistry::set_usual(const std::string& model,
                                                    const std::vector<AdapterChoice>& choices) {
  const std::lock_guard lock(mutex_);
  for (const AdapterChoice& choice : choices) {
    if (find_in(entries_, choice, model) != nullptr) continue;
    return unknown_adapter(model, choice.id ? std::to_string(*choice.id) : choice.name, entries_);
  }
  for (RegisteredAdapter& entry : entries_) {
    if (entry.model != model) continue;
    entry.usual_factor = 0;
    for (const AdapterChoice& choice : choices) {
      if (choice.id ? entry.id == *choice.id : entry.name == choice.name) {
        entry.usual_factor = choice.factor.value_or(entry.factor);
      }
    }
  }
  return {};
}

std::optional<HttpError> AdapterRegistry::choose(const LoadedModel& model, const std::string& named,
                                                 const AdapterChoices& choices, AdapterSet& set) const {
  const std::vector<RegisteredAdapter> all = list(model.id());
  std::vector<float> factors(all.size(), 0);
  const auto apply = [&](const AdapterChoice& choice) -> std::optional<HttpError> {
    const RegisteredAdapter* entry = find_in(all, choice, model.id());
    if (entry == nullptr) {
      return unknown_adapter(model.id(), choice.id ? std::to_string(*choice.id) : choice.name, all);
    }
    factors[static_cast<size_t>(entry - all.data())] = choice.factor.value_or(entry->factor);
    return {};
  };
  if (!named.empty()) {
    if (auto error = apply({{}, named, {}})) return error;
  }
  for (const AdapterChoice& choice : choices.value_or(std::vector<AdapterChoice>())) {
    if (auto error = apply(choice)) {
      error->parameter = "lora";
      return error;
    }
  }
  std::vector<AdapterSet::Member> members;
  for (size_t i = 0; i < all.size(); ++i) {
    const float factor = named.empty() && !choices ? all[i].usual_factor : factors[i];
    if (factor == 0) continue;
    if (!all[i].adapter) return not_in_memory(all[i]);
    members.push_back({all[i].adapter, factor});
  }
  set = AdapterSet(std::move(members));
  return {};
}

void AdapterRegistry::read_missing(const LoadedModel& model) {
  for (const RegisteredAdapter& entry : list(model.id())) {
    if (entry.adapter) continue;
    auto adapter = model.engine().load_adapter(entry.path);
    const std::lock_guard lock(mutex_);
    for (RegisteredAdapter& own : entries_) {
      if (own.id != entry.id) continue;
      own.problem = adapter ? "" : adapter.error().message();
      if (adapter) own.adapter = *adapter;
    }
  }
}

void AdapterRegistry::model_unloads(const std::string& model) {
  const std::lock_guard lock(mutex_);
  for (RegisteredAdapter& entry : entries_) {
    if (entry.model == model) entry.adapter.reset();
  }
}

}  // namespace ondol::server
