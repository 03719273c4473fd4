#include "server/model_info.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "runtime/load_text.h"
#include "runtime/plan.h"
#include "text/chat_format.h"

namespace ondol::server {
namespace {

// Agents send prompts of 15,000 tokens before the person has said a word.
constexpr int64_t kServingContext = 32768;

std::string main_type(const ModelFile& file) {
  std::map<std::string, size_t> bytes;
  for (const TensorEntry& entry : file.tensors()) {
    bytes[std::string(info_of(entry.tensor.type()).name)] += entry.tensor.size_bytes();
  }
  const auto most =
      std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? "" : most->first;
}

int64_t resident_file_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    int64_t kib = 0;
    if (word == "RssFile:" && status >> kib) return kib * 1024;
  }
  return 0;
}

}  // namespace

EngineOptions serving_options(const EngineOptions& wanted, const ModelFile& file, const ModelConfig& config,
                              int64_t available_bytes) {
  EngineOptions options = wanted;
  if (options.context.length > 0 || config.kv_layers.empty()) return options;
  const MemoryPlan usual =
      plan_memory(file, config, options.kv_types, options.context, options.batch_rows, available_bytes);
  const int64_t trained = config.context_length > 0 ? config.context_length : kDefaultContext;
  // Half of what is free stays for others, and for a second model.
  const int64_t roomy = usual.fitting_context() / 2;
  options.context.at_least = std::max(options.context.at_least, std::min({trained, kServingContext, roomy}));
  return options;
}

Result<ModelInfo> read_model_info(const std::string& path, const EngineOptions& wanted, int64_t available_bytes) {
  const auto file = ONDOL_TRY(open_model_file(path));
  const auto model = ONDOL_TRY(load_model(file));
  const ModelConfig& config = model->config();
  ModelInfo info;
  info.architecture = config.architecture;
  info.quantization = main_type(*file);
  for (const TensorEntry& entry : file->tensors()) info.parameters += entry.tensor.shape().elements();
  info.context_length = config.context_length;
  info.embedding_length = config.width;
  info.makes_text = config.causal && !config.kv_layers.empty();
  info.scores_pairs = config.pooling == Pooling::kRank;
  info.template_source = ONDOL_TRY(load_template_source(*file));
  info.has_template = !info.template_source.empty();
  if (info.has_template) {
    const auto format = ChatFormat::of_template(info.template_source);
    info.has_tools = format->has_tools();
    info.has_reasoning = format->has_reasoning();
  }
  const EngineOptions options = serving_options(wanted, *file, config, available_bytes);
  info.plan = plan_memory(*file, config, options.kv_types, options.context, options.batch_rows, available_bytes);
  return info;
}

int64_t memory_for_another_model() {
  return std::max<int64_t>(0, available_memory_bytes() - resident_file_bytes());
}

}  // namespace ondol::server
