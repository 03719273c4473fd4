// ondol quantize: a model in another precision.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/command.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "formats/quantize.h"
#include "models/model.h"
#include "runtime/tokenizer_metadata.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string in;
  std::string out;
  std::string type;
  std::string importance;
  std::vector<std::string> tensor_types;
  std::vector<std::string> metadata;
  std::string output_type;
  std::string embedding_type;
  uint64_t split_max_bytes = 0;
  int n_threads = 0;
  bool pure = false;
  bool leave_output = false;
  bool allow_requantize = false;
};

Result<std::optional<DType>> parse_type(const std::string& option, const std::string& name) {
  if (name.empty()) return std::optional<DType>();
  const auto type = dtype_from_name(name);
  if (!type) return Error(fmt::format("{}: expected a type such as Q6_K or F16, got '{}'", option, name));
  return type;
}

Result<QuantizePlanOptions> plan_options(const Options& options) {
  QuantizePlanOptions plan;
  plan.file_type = options.type;
  for (const std::string& text : options.tensor_types) {
    plan.overrides.push_back(ONDOL_TRY(parse_type_override(text).in("--tensor-type")));
  }
  plan.output_type = ONDOL_TRY(parse_type("--output-tensor-type", options.output_type));
  plan.embedding_type = ONDOL_TRY(parse_type("--token-embedding-type", options.embedding_type));
  plan.pure = options.pure;
  plan.leave_output = options.leave_output;
  return plan;
}

void report(const QuantizeReport& result, bool verbose) {
  if (verbose) {
    for (const QuantizedTensor& tensor : result.tensors) {
      fmt::print(stderr, "{:<40} {:>6} -> {:<6} rmse {:.3g}\n", tensor.name, info_of(tensor.from).name,
                 info_of(tensor.to).name, tensor.rmse);
    }
  }
  for (const std::string& note : result.notes) fmt::print(stderr, "{}\n", note);
  fmt::print(stderr, "{}: {}, {} (was {})\n", fmt::join(result.paths, ", "), result.file_type,
             human_bytes(static_cast<double>(result.to_bytes)), human_bytes(static_cast<double>(result.from_bytes)));
}

Result<void> quantize(const Options& options, const Globals& globals) {
  std::vector<std::string> notes;
  const auto file = ONDOL_TRY(as_gguf(ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.in)))), notes));
  for (const std::string& note : notes) fmt::print(stderr, "{}\n", note);
  QuantizeOptions quantization;
  quantization.plan = ONDOL_TRY(plan_options(options));
  quantization.allow_requantize = options.allow_requantize;
  quantization.split_max_bytes = options.split_max_bytes;
  for (const std::string& text : options.metadata) {
    quantization.metadata.push_back(ONDOL_TRY(parse_metadata_override(text).in("--override-kv")));
  }
  ImportanceMatrix importance;
  if (!options.importance.empty()) {
    importance = ONDOL_TRY(load_importance(options.importance));
    quantization.importance = &importance;
  }
  ThreadPool threads(options.n_threads);
  ProgressBar bar(std::string(tr("quantising")), "bytes");
  const auto progress = [&](const QuantizeProgress& at) {
    bar.update(static_cast<double>(at.done_bytes), static_cast<double>(at.total_bytes));
  };
  const auto result = ONDOL_TRY(quantize_file(*file, options.out, quantization, threads, progress, &interrupted));
  bar.clear();
  report(result, globals.verbose);
  return {};
}

}  // namespace

void add_quantize(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "quantize", "Write a model in another precision",
                  "  ondol quantize model-F16.gguf model-Q4_K_M.gguf --type Q4_K_M\n"
                  "  ondol quantize Qwen3-0.6B/ qwen3-Q4_K_M.gguf --type Q4_K_M\n"
                  "  ondol quantize model-F16.gguf small.gguf --type Q3_K_M --imatrix model.imatrix.gguf\n"
                  "  ondol quantize in.gguf out.gguf --type Q4_0 --tensor-type attn_v=Q8_0 --leave-output\n",
                  [options, &globals] { return quantize(*options, globals); });
  command->add_option("IN", options->in, "A GGUF file or a Hugging Face folder, best in F16, BF16 or F32")->required();
  command->add_option("OUT", options->out, "The GGUF file to write")->required();
  command->add_option("--type", options->type, fmt::format("One of {}", fmt::join(quantize_file_types(), ", ")))
      ->required();
  command->add_option("--imatrix", options->importance, "An importance matrix (see: ondol imatrix)");
  command->add_option("--tensor-type", options->tensor_types,
                      "PATTERN=TYPE for tensors whose name matches (any number of times)");
  command->add_option("--output-tensor-type", options->output_type, "Type of the output matrix");
  command->add_option("--token-embedding-type", options->embedding_type, "Type of the token embedding");
  command->add_flag("--pure", options->pure, "This type for every matrix, no mix");
  command->add_flag("--leave-output", options->leave_output, "Leave the output matrix as it is");
  command->add_flag("--allow-requantize", options->allow_requantize,
                    "Accept a model that is quantised already (loses more)");
  command->add_option("--split-max-size", options->split_max_bytes, "Split into files of at most this size, such as 4G")
      ->transform(CLI::AsSizeValue(false));
  command->add_option("--override-kv", options->metadata,
                      "KEY=TYPE:VALUE to set in the file's metadata, with int, float, bool or str as TYPE (any number "
                      "of times)");
  command->add_option("-t,--threads", options->n_threads, "Threads; 0: one for each core that this process may use")
      ->check(CLI::Range(0, 4096));
}

}  // namespace ondol::cli
