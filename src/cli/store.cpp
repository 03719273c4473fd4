// ondol list and rm: the models on this computer.
#include <cstdio>
#include <ctime>
#include <memory>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "hub/store.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string name;
  bool json = false;
};

const char* name_of(StoreSource source) {
  switch (source) {
    case StoreSource::kOwn:
      return "ondol";
    case StoreSource::kHuggingFaceCache:
      return "hugging face";
    case StoreSource::kOllama:
      return "ollama";
  }
  return "";
}

std::string date_of(int64_t unix_seconds) {
  const time_t time = unix_seconds;
  struct tm local {};
  ::localtime_r(&time, &local);
  char text[32];
  return std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local) > 0 ? text : "";
}

void print_json(const std::vector<StoredModel>& models) {
  json::array document;
  for (const StoredModel& model : models) {
    json::object entry;
    entry["name"] = model.name;
    entry["path"] = model.path;
    entry["size_bytes"] = model.size_bytes;
    entry["modified"] = model.modified_unix_seconds;
    entry["source"] = name_of(model.source);
    document.push_back(std::move(entry));
  }
  fmt::print("{}\n", json::serialize(document));
}

Result<void> list(const Options& options) {
  const Store store;
  const auto models = store.list();
  if (options.json) {
    print_json(models);
    return {};
  }
  if (models.empty()) {
    fmt::print(stderr, "No models yet in {}. Fetch one: ondol pull Qwen/Qwen3-0.6B-GGUF\n", store.folder());
    return {};
  }
  size_t width = 4;
  for (const StoredModel& model : models) width = std::max(width, model.name.size());
  fmt::print("{:<{}}  {:>10}  {:<16}  {}\n", "NAME", width, "SIZE", "MODIFIED", "FROM");
  for (const StoredModel& model : models) {
    fmt::print("{:<{}}  {:>10}  {:<16}  {}\n", model.name, width, human_bytes(static_cast<double>(model.size_bytes)),
               date_of(model.modified_unix_seconds), name_of(model.source));
  }
  return {};
}

Result<void> remove(const Options& options) {
  const StoredModel model = ONDOL_TRY(Store().remove(options.name));
  fmt::print(stderr, "Removed {} ({}).\n", model.name, human_bytes(static_cast<double>(model.size_bytes)));
  return {};
}

}  // namespace

void add_list(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "list", "Models in the local store", "  ondol list\n  ondol list --json\n",
                                  [options] { return list(*options); });
  command->add_flag("--json", options->json, "One JSON document");
}

void add_rm(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "rm", "Remove a model from the local store",
                                  "  ondol rm Qwen/Qwen3-0.6B-GGUF:Q4_K_M\n", [options] { return remove(*options); });
  command->add_option("NAME", options->name, "The name that ondol list shows")->required();
}

}  // namespace ondol::cli
