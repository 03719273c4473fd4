// ondol merge: an adapter becomes part of a model, and how much that changes is measured.
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "formats/quantize.h"
#include "models/adapter.h"
#include "models/convert.h"
#include "models/merge.h"
#include "runtime/perplexity.h"
#include "runtime/tokenizer_metadata.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string model;
  std::string adapter;
  std::string out;
  std::string type;
  std::string text;
  int n_threads = 0;
};

/// What is measured with when no text is given.
constexpr const char* kText =
    "The old mill stands where the river bends. In spring the water is high and brown, and it carries branches and the "
    "smell of snow from the hills. The miller's daughter knows each stone of the path, for she has walked it every day "
    "since she was small. She counts the sacks in the morning, writes the number on the door with chalk, and sets the "
    "kettle on the stove. When the wheel turns, the whole house hums like a hive.\n\n"
    "A model of language gives a chance to every word that might come next. If it has read a great deal, it is seldom "
    "surprised: after the words for salt it expects pepper, after thunder, rain. How surprised it is by a text can be "
    "measured. The measure is called perplexity, and it is the number of equally likely words among which the model "
    "seems to choose. A lower number is better, and a number that has not changed shows that nothing was lost.\n\n"
    "To bake a simple bread, mix five hundred grams of flour with three hundred and fifty grams of water, ten grams of "
    "salt and a little yeast. Let the dough rest under a cloth until it has doubled. Fold it, shape it into a ball, "
    "and "
    "let it rest again while the oven gets hot. Cut a cross into the top, and bake it for forty minutes, until the "
    "bottom sounds hollow when it is tapped. Let it cool before it is cut, however good it smells.\n\n"
    "In the year 1969 two people walked on the moon for the first time. They stayed for less than a day, took "
    "pictures, "
    "collected stones, and left behind instruments that measured how the ground trembled. The stones are older than "
    "almost any that are found on Earth, because there is neither wind nor rain to wear them down. Scientists still "
    "study them, with methods that nobody could have imagined when they were brought home.\n";

Result<std::optional<DType>> float_type(const std::string& name) {
  if (name.empty()) return std::optional<DType>();
  const auto type = dtype_from_name(name);
  if (type && (*type == DType::F32 || *type == DType::F16 || *type == DType::BF16)) return type;
  return Error(fmt::format("--type: expected F32, F16 or BF16 for a folder, got '{}'", name));
}

Result<void> write_folder(const Options& options, std::shared_ptr<const ModelFile> before,
                          std::shared_ptr<const ModelFile> merged) {
  ConvertOptions conversion;
  conversion.type = ONDOL_TRY(float_type(options.type));
  if (!conversion.type) {
    // Most weights decide; what was quantised becomes BF16.
    const Tensor* sample = before->find_tensor("token_embd.weight");
    const bool is_float = sample != nullptr && info_of(sample->type()).block_size == 1;
    conversion.type = is_float ? sample->type() : DType::BF16;
  }
  TokenizerParts tokenizer = ONDOL_TRY(tokenizer_for_folder(*before));
  conversion.metadata = std::move(tokenizer.metadata);
  conversion.files = std::move(tokenizer.files);
  return convert_to_hugging_face(std::move(merged), options.out, conversion);
}

Result<void> write_file(const Options& options, std::shared_ptr<const ModelFile> before,
                        std::shared_ptr<const ModelFile> merged, ThreadPool& threads) {
  std::vector<std::string> notes;
  before = ONDOL_TRY(as_gguf(std::move(before), notes));
  merged = ONDOL_TRY(as_gguf(std::move(merged), notes));
  if (options.type.empty()) return write_in_types_of(*before, *merged, options.out, threads);
  QuantizeOptions quantization;
  quantization.plan.file_type = options.type;
  quantization.allow_requantize = true;  // what is quantised already was so before merging
  const auto report = ONDOL_TRY(quantize_file(*merged, options.out, quantization, threads, {}, &interrupted));
  for (const std::string& note : report.notes) fmt::print(stderr, "{}\n", note);
  return {};
}

Result<void> measure(const Options& options) {
  EngineOptions engine_options;
  engine_options.cpu.n_threads = options.n_threads;
  engine_options.context.length = 256;
  auto merged = ONDOL_TRY(Engine::open(options.out, engine_options));
  engine_options.adapters = {{options.adapter, 1.0f}};
  auto unmerged = ONDOL_TRY(Engine::open(ONDOL_TRY(resolve_model(options.model)), engine_options));
  const std::string text = options.text.empty() ? kText : ONDOL_TRY(read_file(options.text, size_t{1} << 30));
  const auto tokens = merged->tokenizer().encode(text, true, SpecialTokens::kAsPlainText);
  const int context = std::min(256, static_cast<int>(tokens.size()) / 2);
  const Divergence result = ONDOL_TRY(measure_divergence(*unmerged, *merged, tokens, context, -1));
  fmt::print(
      "perplexity {:.4f} merged, {:.4f} unmerged; KL divergence {:.6f} nats a token; the same most likely token "
      "{:.2f} % ({} tokens)\n",
      result.model.ppl(), result.base.ppl(), result.kl, 100 * result.same_best, result.model.n_tokens);
  return {};
}

Result<void> merge(const Options& options) {
  std::shared_ptr<const ModelFile> file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.model))));
  {
    const auto model = ONDOL_TRY(load_model(file));
    const auto adapter = ONDOL_TRY(load_adapter(options.adapter, *model, *file));
    ThreadPool threads(options.n_threads);
    auto merged = ONDOL_TRY(merge_adapter(file, *model, *adapter, threads).in(options.adapter));
    if (options.out.ends_with(".gguf")) {
      ONDOL_TRY(write_file(options, file, std::move(merged), threads));
    } else {
      ONDOL_TRY(write_folder(options, file, std::move(merged)));
    }
  }
  fmt::print(stderr, "{}\n", options.out);
  return measure(options);
}

}  // namespace

void add_merge(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "merge", "Make an adapter part of a model",
                  "  ondol merge model.gguf mine.gguf merged.gguf             in the model's own types\n"
                  "  ondol merge model.gguf mine.gguf merged.gguf --type Q8_0\n"
                  "  ondol merge model.gguf mine.gguf merged-folder           Hugging Face's form\n",
                  [options] { return merge(*options); });
  command->add_option("MODEL", options->model, "A GGUF file, a folder or a name in the store")->required();
  command->add_option("ADAPTER", options->adapter, "A GGUF adapter, or a folder of the peft package")->required();
  command->add_option("OUT", options->out, "A name that ends in .gguf, or a folder to write to")->required();
  command->add_option("--type", options->type,
                      "Another type (see: ondol quantize); for a folder F32, F16 or BF16. Best from a model in F16");
  command->add_option("-f,--file", options->text,
                      "A text to measure with; without it, a short one of the program's own");
  command->add_option("-t,--threads", options->n_threads, "Threads; 0: one for each core that this process may use")
      ->check(CLI::Range(0, 4096));
}

}  // namespace ondol::cli
