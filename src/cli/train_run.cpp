#include "cli/train_run.h"

#include <cmath>
#include <filesystem>

#include "backend/derivatives.h"
#include "base/files.h"
#include "cli/options.h"
#include "formats/quantize.h"
#include "runtime/load_text.h"
#include "runtime/plan.h"
#include "runtime/tokenizer_metadata.h"
#include "text/bpe_trainer.h"
#include "text/byte_level.h"
#include "text/tokenizer_folder.h"
#include "text/tokenizer_json.h"
#include "train/data/text_stream.h"
#include "train/float_file.h"

namespace ondol::cli {
namespace {

int64_t wanted_steps(const TrainOptions& options, const train::SequenceSource& data) {
  if (options.n_steps > 0) return options.n_steps;
  const double sequences = static_cast<double>(data.sequences_in_epoch()) * options.epochs;
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(sequences / static_cast<double>(options.trainer.sequences_per_step))));
}

/// Pairs and judgements would be learned as if all answers were good.
Result<void> check_format(TrainMethod method, train::Format format) {
  const auto wanted = [](TrainMethod of) {
    if (of == TrainMethod::kKto) return train::Format::kJudged;
    const bool is_pair = of == TrainMethod::kDpo || of == TrainMethod::kOrpo;
    return is_pair ? train::Format::kPreference : train::Format::kText;
  };
  const auto kind = [](train::Format of) {
    return of == train::Format::kPreference || of == train::Format::kJudged ? of : train::Format::kText;
  };
  if (wanted(method) == kind(format)) return {};
  const std::string_view fitting = kind(format) == train::Format::kPreference ? "dpo or orpo"
                                   : kind(format) == train::Format::kJudged   ? "kto"
                                                                              : "lora, qlora or full";
  return Error(
      fmt::format("--method: for examples of the format '{}', expected {}", train::format_name(format), fitting));
}

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

/// The file whose tensors the model uses: the one that is there, one in floats, or a new one.
Result<std::shared_ptr<const ModelFile>> open_file(const TrainOptions& options, TrainMethod method, TrainRun& run) {
  if (options.is_new()) {
    const TokenizerSpec spec = ONDOL_TRY(vocabulary_of(options, *run.threads).in("--vocab"));
    const TokenizerParts parts = ONDOL_TRY(tokenizer_for_gguf(spec).in("--vocab"));
    return train::make_model(options.fresh, static_cast<int64_t>(spec.vocabulary.size()), parts.metadata);
  }
  auto file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.model))));
  if (method != TrainMethod::kFull) return file;
  std::vector<std::string> notes;
  return train::in_floats(*ONDOL_TRY(as_gguf(std::move(file), notes)));
}

/// Plain texts are one stream for a new model.
Result<std::unique_ptr<train::SequenceSource>> open_data(const TrainOptions& options, TrainMethod method,
                                                         const ModelFile& file) {
  ModelText text = ONDOL_TRY(load_text(file));
  if (options.is_new() && ONDOL_TRY(train::TextStream::takes(options.data.paths))) {
    const train::TextStreamOptions stream{options.data.paths, options.data.validation_paths,
                                          options.data.validation_fraction, options.data.encoder.sequence_length,
                                          options.data.seed};
    return std::unique_ptr<train::SequenceSource>(ONDOL_TRY(train::TextStream::open(stream, *text.tokenizer)));
  }
  auto data = std::make_unique<train::DataSource>(
      ONDOL_TRY(train::DataSource::open(options.data, text.tokenizer, std::move(text.chat_template))));
  ONDOL_TRY(check_format(method, data->format()));
  return std::unique_ptr<train::SequenceSource>(std::move(data));
}

/// What learns: an adapter, or everything.
Result<std::optional<AdapterUse>> make_parameters(const TrainOptions& options, TrainMethod method, TrainRun& run) {
  if (method == TrainMethod::kFull) {
    train::add_all(*run.file, run.parameters);
    return std::optional<AdapterUse>();
  }
  run.lora = std::make_unique<train::LoraAdapter>(
      ONDOL_TRY(train::LoraAdapter::create(*run.model, options.lora, run.parameters, run.threads.get())));
  return std::optional<AdapterUse>(run.lora->use());
}

}  // namespace

Result<void> set_up(TrainMethod method, TrainOptions& options, TrainRun& run) {
  const ProductTypes types = ONDOL_TRY(product_types(options.precision));
  run.threads = std::make_unique<ThreadPool>(options.n_threads);
  run.file = ONDOL_TRY(open_file(options, method, run));
  run.model = ONDOL_TRY(load_model(run.file));
  ONDOL_TRY(train::check_can_learn(*run.model).in(options.model));
  run.backend = ONDOL_TRY(create_cpu_backend({options.n_threads, ""}));
  run.data = ONDOL_TRY(open_data(options, method, *run.file));
  const std::optional<AdapterUse> use = ONDOL_TRY(make_parameters(options, method, run));
  run.student = std::make_unique<train::Student>(*run.model, *run.backend, run.parameters, types, use);
  // What both may take changes no result, only how much is computed again.
  const auto available = static_cast<size_t>(std::max<int64_t>(0, available_memory_bytes()));
  run.backend->derivatives()->keep_turned(available / 2);
  run.student->set_recording_budget(available / 4);
  train::Schedule& schedule = options.trainer.schedule;
  schedule.n_steps = wanted_steps(options, *run.data);
  schedule.warm_up = std::min(schedule.warm_up, schedule.n_steps / 10);
  options.trainer.adapter = run.lora.get();
  run.trainer = std::make_unique<train::Trainer>(*run.student, run.parameters, *run.data, options.trainer,
                                                 train::OptimizerTools{run.threads.get(), run.backend.get()});
  run.memory = plan_training(*run.file, *run.model, options, run.parameters.n_elements(),
                             static_cast<double>(available) / 2, static_cast<double>(available) / 4);
  run.identity = {train::hash_of(*run.file), identity_of(options)};
  return {};
}

Result<void> write_result(const TrainOptions& options, const TrainRun& run) {
  if (run.lora != nullptr && !options.out.ends_with(".gguf")) {
    return run.lora->write_peft(options.out, *run.model, *run.file);
  }
  if (run.lora != nullptr) return run.lora->write_gguf(options.out, run.model->config().architecture);
  QuantizeOptions quantization;
  quantization.plan.file_type = options.type;
  ONDOL_TRY(quantize_file(*run.file, options.out, quantization, *run.threads));
  return {};
}

std::string checkpoint_path(const std::string& out) {
  std::string stem = out.ends_with(".gguf") ? out.substr(0, out.size() - 5) : out;
  while (stem.size() > 1 && stem.back() == '/') stem.pop_back();
  return stem + ".checkpoint.gguf";
}

}  // namespace ondol::cli
