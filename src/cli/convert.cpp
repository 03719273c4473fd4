// ondol convert: between Hugging Face folders and GGUF files.
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/command.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "models/convert.h"
#include "models/model.h"
#include "runtime/tokenizer_metadata.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string in;
  std::string out;
  std::string type;
  uint64_t max_file_bytes = 0;
};

Result<std::optional<DType>> parse_type(const std::string& name) {
  if (name.empty()) return std::optional<DType>();
  const auto type = dtype_from_name(name);
  if (type && (*type == DType::F32 || *type == DType::F16 || *type == DType::BF16)) return type;
  return Error(fmt::format("--type: expected F32, F16 or BF16, got '{}' (for others: ondol quantize)", name));
}

Result<void> convert(const Options& options) {
  const auto file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.in))));
  const bool to_gguf = options.out.ends_with(".gguf");
  TokenizerParts tokenizer = ONDOL_TRY(to_gguf ? tokenizer_for_gguf(*file) : tokenizer_for_folder(*file));
  ConvertOptions conversion;
  conversion.type = ONDOL_TRY(parse_type(options.type));
  conversion.metadata = std::move(tokenizer.metadata);
  conversion.files = std::move(tokenizer.files);
  conversion.max_file_bytes = options.max_file_bytes;
  ProgressBar bar(std::string(tr("converting")), "tensors");
  conversion.progress = [&](const ConvertProgress& at) {
    bar.update(static_cast<double>(at.index), static_cast<double>(at.n_tensors));
    return !interrupted.load();
  };
  std::vector<std::string> written = {options.out};
  if (to_gguf) {
    written = ONDOL_TRY(convert_to_gguf(file, options.out, conversion));
  } else {
    ONDOL_TRY(convert_to_hugging_face(file, options.out, conversion));
  }
  bar.clear();
  for (const std::string& note : tokenizer.notes) fmt::print(stderr, "{}\n", note);
  fmt::print(stderr, "{}\n", fmt::join(written, "\n"));
  return {};
}

}  // namespace

void add_convert(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "convert", "Convert between Hugging Face folders and GGUF files",
                                  "  ondol convert Qwen3-0.6B/ qwen3-0.6b.gguf --type F16\n"
                                  "  ondol convert model.gguf model-folder\n",
                                  [options] { return convert(*options); });
  command->add_option("IN", options->in, "A Hugging Face folder or a GGUF file")->required();
  command->add_option("OUT", options->out, "A name that ends in .gguf, or a folder to write to")->required();
  command->add_option("--type", options->type, "F32, F16 or BF16; without it, as it is (quantised weights: BF16)");
  command->add_option("--split-max-size", options->max_file_bytes, "Split into files of at most this size, such as 4G")
      ->transform(CLI::AsSizeValue(false));
}

}  // namespace ondol::cli
