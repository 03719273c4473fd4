#include "cli/train_run.h"

#include <filesystem>

#include "base/files.h"
#include "cli/options.h"
#include "formats/quantize.h"
#include "models/hf_sidecars.h"
#include "runtime/load_text.h"
#include "runtime/tokenizer_metadata.h"
#include "text/bpe_trainer.h"
#include "text/byte_level.h"
#include "text/tokenizer_folder.h"
#include "text/tokenizer_json.h"
#include "train/float_file.h"

namespace ondol::cli {
namespace {

/// The tokenizer that --vocab names.
Result<TokenizerSpec> vocabulary_of(const TrainOptions& options, ThreadPool& threads) {
  if (options.vocabulary != "bytes") {
    if (std::filesystem::is_directory(options.vocabulary)) return read_tokenizer_folder(options.vocabulary);
    return read_tokenizer_json(ONDOL_TRY(read_file(options.vocabulary)));
  }
  // No texts, no merges: what is left are the bytes.
  BpeTrainerOptions bytes;
  bytes.special_tokens = {"<|endoftext|>"};
  bytes.eos = bytes.pad = bytes.special_tokens[0];
  bytes.vocabulary_size = 256 + 2;
  TokenizerSpec spec = ONDOL_TRY(ONDOL_TRY(BpeTrainer::create(bytes, threads)).train());
  // GGUF wants merges: here is one of two bytes that no text in UTF-8 has.
  const std::string byte = to_byte_alphabet("\xff");
  VocabularyEntry pair;
  pair.text = byte + byte;
  spec.vocabulary.push_back(std::move(pair));
  spec.merges.push_back({byte, byte});
  return spec;
}

/// How conversations are written in it: as the folder that --vocab names says, if it does.
Result<std::string> template_of(const TrainOptions& options) {
  if (!std::filesystem::is_directory(options.vocabulary)) return std::string();
  return read_chat_template(options.vocabulary);
}

/// The file whose tensors the model uses: the one that is there, one in floats, or a new one.
Result<std::shared_ptr<const ModelFile>> open_file(const TrainOptions& options) {
  if (options.is_new()) {
    ThreadPool threads(options.training.n_threads);
    const TokenizerSpec spec = ONDOL_TRY(vocabulary_of(options, threads).in("--vocab"));
    TokenizerParts parts = ONDOL_TRY(tokenizer_for_gguf(spec).in("--vocab"));
    std::string chat_template = ONDOL_TRY(template_of(options).in("--vocab"));
    if (!chat_template.empty()) parts.metadata.push_back({"tokenizer.chat_template", {std::move(chat_template)}});
    return train::make_model(options.fresh, static_cast<int64_t>(spec.vocabulary.size()), parts.metadata);
  }
  auto file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.model))));
  if (options.training.method != train::Method::kFull) return file;
  std::vector<std::string> notes;
  return train::in_floats(*ONDOL_TRY(as_gguf(std::move(file), notes)));
}

}  // namespace

Result<TrainRun> set_up(const TrainOptions& options) {
  TrainRun run;
  run.file = ONDOL_TRY(open_file(options));
  run.model = ONDOL_TRY(load_model(run.file));
  ONDOL_TRY(train::check_can_learn(*run.model).in(options.model));
  ModelText text = ONDOL_TRY(load_text(*run.file));
  const train::Pupil pupil{run.file.get(), run.model.get(), std::move(text.tokenizer), std::move(text.chat_template),
                           options.is_new()};
  run.training = ONDOL_TRY(train::Training::create(options.training, pupil));
  return run;
}

Result<void> write_result(const TrainOptions& options, const TrainRun& run) {
  const train::LoraAdapter* adapter = run.training->adapter();
  if (adapter != nullptr && !options.out.ends_with(".gguf")) {
    return adapter->write_peft(options.out, *run.model, *run.file);
  }
  if (adapter != nullptr) return adapter->write_gguf(options.out, run.model->config().architecture);
  QuantizeOptions quantization;
  quantization.plan.file_type = options.type;
  ONDOL_TRY(quantize_file(*run.file, options.out, quantization, run.training->threads()));
  return {};
}

std::string checkpoint_path(const std::string& out) {
  std::string stem = out.ends_with(".gguf") ? out.substr(0, out.size() - 5) : out;
  while (stem.size() > 1 && stem.back() == '/') stem.pop_back();
  return stem + ".checkpoint.gguf";
}

}  // namespace ondol::cli
