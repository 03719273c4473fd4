// ondol pull: fetches a model from the Hugging Face hub into the local store.
#include <memory>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "hub/pull.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string name;
  int n_connections = 4;
  bool json = false;
};

void print(const Pulled& pulled, bool as_json) {
  const StoredModel& model = pulled.model;
  if (as_json) {
    json::object document;
    document["name"] = model.name;
    document["path"] = model.path;
    document["size_bytes"] = model.size_bytes;
    document["was_here"] = pulled.was_here;
    fmt::print("{}\n", json::serialize(document));
    return;
  }
  fmt::print(stderr, "{} {} ({}). ondol run {} \"...\"\n", model.name, pulled.was_here ? "is here already" : "is here",
             human_bytes(static_cast<double>(model.size_bytes)), model.name);
  fmt::print("{}\n", model.path);
}

Result<void> run_pull(const Options& options) {
  PullOptions pulling;
  pulling.download.n_connections = options.n_connections;
  pulling.cancel = &interrupted;
  ProgressBar bar(options.name, "bytes");
  ProgressBar check(std::string(tr("checking")), "bytes");
  pulling.progress = [&](const PullProgress& at) {
    ProgressBar& shown = at.stage == DownloadProgress::Stage::kVerifying ? check : bar;
    shown.update(static_cast<double>(at.done_bytes), static_cast<double>(at.total_bytes));
  };
  const Pulled pulled = ONDOL_TRY(pull(options.name, pulling));
  bar.clear();
  check.clear();
  print(pulled, options.json);
  return {};
}

}  // namespace

void add_pull(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "pull", "Fetch a model from the Hugging Face hub",
                  "  ondol pull Qwen/Qwen3-0.6B-GGUF            the usual precision (Q4_K_M, or the nearest)\n"
                  "  ondol pull Qwen/Qwen3-0.6B-GGUF:Q8_0       another one\n"
                  "  ondol pull Qwen/Qwen3-0.6B                 the original weights\n"
                  "HF_TOKEN opens gated models; HF_ENDPOINT names another hub.\n",
                  [options] { return run_pull(*options); });
  command->add_option("NAME", options->name, "ORGANISATION/REPOSITORY[:PRECISION]")->required();
  command->add_option("--connections", options->n_connections, "Connections at once")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  command->add_flag("--json", options->json, "One JSON document");
}

}  // namespace ondol::cli
