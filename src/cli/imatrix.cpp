// ondol imatrix: an importance matrix from a text, for ondol quantize --imatrix.
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/files.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "runtime/importance_recorder.h"

namespace ondol::cli {
namespace {

struct Options {
  ModelOptions model;
  std::string file;
  std::string out;
  int chunks = -1;
};

Result<void> imatrix(Options& options) {
  if (options.model.context_length == 0) options.model.context_length = 512;
  ImportanceRecorder recorder;
  EngineOptions engine_options = ONDOL_TRY(options.model.engine_options());
  engine_options.observer = recorder.observer();
  auto engine = ONDOL_TRY(Engine::open(ONDOL_TRY(resolve_model(options.model.model)), engine_options));
  const std::string text = ONDOL_TRY(read_file(options.file, size_t{4} << 30));
  const auto tokens = engine->tokenizer().encode(text, true, SpecialTokens::kAsPlainText);
  ProgressBar bar(std::string(tr("measuring")), "chunks");
  const auto progress = [&](int done, int total) {
    bar.update(done, total);
    return !interrupted.load();
  };
  const int context = static_cast<int>(options.model.context_length);
  ONDOL_TRY(recorder.record(*engine, tokens, context, options.chunks, progress).in(options.file));
  return recorder.write(options.out, std::filesystem::path(options.file).filename().string());
}

}  // namespace

void add_imatrix(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "imatrix", "Measure which weights matter, for ondol quantize --imatrix",
                  "  ondol imatrix model-F16.gguf -f text.txt model.imatrix.gguf\n"
                  "  ondol quantize model-F16.gguf model-Q4_K_M.gguf --type Q4_K_M --imatrix model.imatrix.gguf\n",
                  [options] { return imatrix(*options); });
  command->add_option("MODEL", options->model.model, "A file, a folder or a name in the store")->required();
  command->add_option("OUT", options->out, "The importance matrix to write (.gguf)")->required();
  command->add_option("-f,--file", options->file, "A text like those that the model will see")->required();
  command->add_option("--chunks", options->chunks, "Only the first so many chunks; -1 is all")->capture_default_str();
  options->model.add_to(*command);
}

}  // namespace ondol::cli
