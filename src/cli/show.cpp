// ondol show: what a model is, and whether it fits into this machine's free memory.
#include <cstdio>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "backend/machine.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "runtime/engine.h"
#include "runtime/load_text.h"

namespace ondol::cli {
namespace {

struct Options {
  ModelOptions model;
  bool json = false;
  bool tensors = false;
  bool metadata = false;
};

struct Summary {
  std::shared_ptr<const ModelFile> file;
  std::unique_ptr<Model> model;
  MemoryPlan plan;
  int64_t parameters = 0;
  std::map<std::string, int64_t> bytes_by_type;
  std::string template_source;
  std::string instruction_set;  // that multiplies the weights
};

Result<Summary> summarize(const Options& options) {
  Summary summary;
  const EngineOptions engine = ONDOL_TRY(options.model.engine_options());
  summary.file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.model.model))));
  summary.model = ONDOL_TRY(load_model(summary.file));
  summary.plan = plan_memory(*summary.file, summary.model->config(), engine.kv_types, engine.context, engine.batch_rows,
                             available_memory_bytes());
  for (const TensorEntry& entry : summary.file->tensors()) {
    summary.parameters += entry.tensor.shape().elements();
    summary.bytes_by_type[std::string(info_of(entry.tensor.type()).name)] +=
        static_cast<int64_t>(entry.tensor.size_bytes());
  }
  summary.template_source = ONDOL_TRY(load_template_source(*summary.file));
  summary.instruction_set = ONDOL_TRY(examine_machine(engine.cpu, false)).instruction_set;
  return summary;
}

/// The type that most bytes have.
std::string main_type(const Summary& summary) {
  std::string best;
  int64_t most = -1;
  for (const auto& [type, bytes] : summary.bytes_by_type) {
    if (bytes > most) best = type, most = bytes;
  }
  return best;
}

std::string name_of(const Summary& summary) {
  const auto name = summary.file->meta_string_or("general.name", "");
  return name ? *name : "";
}

void print_json(const Summary& summary) {
  const ModelConfig& config = summary.model->config();
  json::object document;
  document["path"] = summary.file->path();
  document["name"] = name_of(summary);
  document["architecture"] = config.architecture;
  document["parameters"] = summary.parameters;
  document["context_length"] = config.context_length;
  document["embedding_length"] = config.width;
  document["layers"] = config.n_layers;
  document["vocabulary_size"] = config.vocabulary_size;
  document["quantization"] = main_type(summary);
  json::object types;
  for (const auto& [type, bytes] : summary.bytes_by_type) types[type] = bytes;
  document["bytes_by_type"] = types;
  document["chat_template"] = !summary.template_source.empty();
  document["embeddings_only"] = !config.causal && config.pooling != Pooling::kRank;
  document["reranker"] = config.pooling == Pooling::kRank;
  document["layout"] = {
      {"weights", "as in the file"}, {"repacked_bytes", 0}, {"instruction_set", summary.instruction_set}};
  json::object memory;
  memory["weights_bytes"] = summary.plan.weights_bytes;
  memory["kv_bytes_per_token"] = summary.plan.kv_bytes_per_token;
  memory["working_bytes"] = summary.plan.working_bytes;
  memory["available_bytes"] = summary.plan.available_bytes;
  memory["context_length"] = summary.plan.context_length;
  memory["fits"] = summary.plan.fits;
  memory["plan"] = summary.plan.explain();
  document["memory"] = memory;
  fmt::print("{}\n", json::serialize(document));
}

void print_text(const Summary& summary) {
  const ModelConfig& config = summary.model->config();
  const auto row = [](std::string_view name, const std::string& value) { fmt::print("{:<14}{}\n", name, value); };
  row("file", summary.file->path());
  if (const std::string name = name_of(summary); !name.empty()) row("name", name);
  row("architecture", config.architecture);
  if (config.pooling == Pooling::kRank) row("use", "scores how well texts answer a question (a reranker)");
  row("parameters", fmt::format("{:.2f} million", static_cast<double>(summary.parameters) / 1e6));
  row("shape",
      fmt::format("{} layers, width {}, vocabulary {}", config.n_layers, config.width, config.vocabulary_size));
  row("context", fmt::format("{} tokens", config.context_length));
  std::string types;
  for (const auto& [type, bytes] : summary.bytes_by_type) {
    types += fmt::format("{}{} {}", types.empty() ? "" : ", ", type, human_bytes(static_cast<double>(bytes)));
  }
  row("weights", types);
  row("layout", fmt::format("mapped and multiplied as they lie in the file, by {}; nothing is repacked",
                            summary.instruction_set));
  row("cache", fmt::format("{} per token", human_bytes(static_cast<double>(summary.plan.kv_bytes_per_token))));
  row("template", summary.template_source.empty() ? "none: it continues texts (--raw)" : "yes");
  row("memory", summary.plan.explain());
}

void print_tensors(const ModelFile& file) {
  for (const TensorEntry& entry : file.tensors()) {
    fmt::print("{:<40} {:<8} {}\n", entry.name, info_of(entry.tensor.type()).name, to_string(entry.tensor.shape()));
  }
}

/// A value in one line; long ones are cut with their length named.
std::string describe(const MetaValue& value) {
  constexpr size_t kMaxShown = 60;
  return std::visit(
      [&](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, MetaValue::Array>) {
          return std::visit([](const auto& items) { return fmt::format("array of {}", items.size()); }, v);
        } else if constexpr (std::is_same_v<T, std::string>) {
          const std::string shown = v.size() <= kMaxShown ? v : v.substr(0, kMaxShown);
          return json::serialize(json::value(shown)) +
                 (v.size() <= kMaxShown ? "" : fmt::format(" ({} bytes)", v.size()));
        } else if constexpr (std::is_same_v<T, uint8_t> || std::is_same_v<T, int8_t>) {
          return std::to_string(static_cast<int>(v));
        } else {
          return fmt::format("{}", v);
        }
      },
      value.value);
}

Result<void> show(const Options& options) {
  if (options.metadata || options.tensors) {
    const auto file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.model.model))));
    if (options.metadata) {
      for (const auto& [key, value] : file->metadata()) fmt::print("{} = {}\n", key, describe(value));
    }
    if (options.tensors) print_tensors(*file);
    return {};
  }
  const Summary summary = ONDOL_TRY(summarize(options));
  options.json ? print_json(summary) : print_text(summary);
  return {};
}

}  // namespace

void add_show(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "show", "What a model is, and whether it fits into free memory",
                                  "  ondol show model.gguf\n"
                                  "  ondol show model.gguf --json --ctx 32768\n"
                                  "  ondol show model.gguf --tensors\n",
                                  [options] { return show(*options); });
  command->add_option("MODEL", options->model.model, "A file, a folder or a name in the store; without it the default");
  command->add_flag("--json", options->json, "One JSON document");
  command->add_flag("--tensors", options->tensors, "List the tensors");
  command->add_flag("--metadata", options->metadata, "List the metadata");
  options->model.add_to(*command);
}

}  // namespace ondol::cli
