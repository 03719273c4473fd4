#include "server/model_catalog.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/find_model.h"

namespace ondol::server {
namespace {

constexpr std::chrono::seconds kPlanAge{15};

std::string canonical(const std::string& path) {
  std::error_code code;
  const auto resolved = std::filesystem::weakly_canonical(path, code);
  return code ? path : resolved.string();
}

}  // namespace

HttpError unknown_model(const std::string& name, const std::vector<StoredModel>& models) {
  std::vector<std::string> names;
  for (const StoredModel& model : models) {
    if (names.size() < 30) names.push_back(model.name);
  }
  const std::string there = names.empty() ? "there are no models here yet"
                                          : fmt::format("there are: {}{}", fmt::join(names, ", "),
                                                        models.size() > names.size() ? ", and more" : "");
  HttpError error = make_error(
      404, fmt::format("the model '{}' is not here; {} (fetch one: ondol pull NAME)", name, there), "model_not_found");
  error.parameter = "model";
  return error;
}

void ModelCatalog::add(const std::string& asked_as, const StoredModel& model) {
  StoredModel named = model;
  // Two files of the same name in different folders are told apart by a number.
  const auto taken = [&](const std::string& name) {
    return std::any_of(added_.begin(), added_.end(), [&](const StoredModel& other) { return other.name == name; });
  };
  const bool is_again = std::any_of(added_.begin(), added_.end(), [&](const StoredModel& other) {
    return canonical(other.path) == canonical(model.path);
  });
  if (is_again) return;
  for (int i = 2; taken(named.name); ++i) named.name = fmt::format("{}-{}", model.name, i);
  asked_as_[asked_as] = named.name;
  added_.push_back(std::move(named));
}

std::vector<StoredModel> ModelCatalog::list() const {
  std::vector<StoredModel> all = added_;
  if (all.empty()) {
    if (auto found = find_default_model(store_)) all.push_back(std::move(*found));
  }
  for (StoredModel& model : store_.list()) {
    const bool is_there = std::any_of(all.begin(), all.end(), [&](const StoredModel& other) {
      return other.name == model.name || canonical(other.path) == canonical(model.path);
    });
    if (!is_there) all.push_back(std::move(model));
  }
  return all;
}

ModelCatalog::Found ModelCatalog::find(const std::string& name) const {
  if (name.empty()) {
    if (!added_.empty()) return {added_.front(), {}};
    const auto found = find_default_model(store_);
    if (found) return {*found, {}};
    return {{}, make_error(404, found.error().message(), "model_not_found")};
  }
  const auto asked = asked_as_.find(name);
  const std::string& wanted = asked == asked_as_.end() ? name : asked->second;
  const std::vector<StoredModel> all = list();
  for (const StoredModel& model : all) {
    if (model.name == wanted) return {model, {}};
  }
  // Ollama's clients write ":latest" behind names without a tag.
  if (wanted.ends_with(":latest")) {
    Found found = find(wanted.substr(0, wanted.size() - 7));
    if (!found.error) return found;
  }
  const auto stored = store_.find(wanted);
  if (!stored) return {{}, unknown_model(name, all)};
  for (const StoredModel& model : all) {
    if (canonical(model.path) == canonical(stored->path)) return {model, {}};
  }
  return {*stored, {}};
}

Result<ModelInfo> ModelCatalog::info(const StoredModel& model) const {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(model.path);
    if (known != known_.end() && known->second.modified == model.modified_unix_seconds &&
        known->second.size == model.size_bytes && now - known->second.planned < kPlanAge) {
      return known->second.info;
    }
  }
  ModelInfo info = ONDOL_TRY(read_model_info(model.path, engine_, memory_for_another_model()));
  const std::lock_guard lock(mutex_);
  known_[model.path] = {model.modified_unix_seconds, model.size_bytes, now, info};
  return info;
}

}  // namespace ondol::server
