// ondol train-tokenizer: a byte-level BPE tokenizer from one's own texts.
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/files.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "text/bpe_trainer.h"
#include "text/tokenizer_json_writer.h"
#include "train/data/example_texts.h"

namespace ondol::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string out;
  BpeTrainerOptions trainer;
  int n_threads = 0;
};

constexpr size_t kBatchBytes = size_t{8} << 20;

Result<void> read_texts(const Options& options, BpeTrainer& trainer) {
  const auto files = ONDOL_TRY(train::list_record_files(options.files));
  uint64_t total_bytes = 0, done_bytes = 0;
  for (const train::RecordFile& file : files) total_bytes += file.size_bytes;
  ProgressBar bar(std::string(tr("counting words")), "MB");
  std::vector<std::string> texts;
  size_t batch_bytes = 0;
  const auto flush = [&] {
    trainer.add(texts);
    texts.clear();
    batch_bytes = 0;
  };
  for (const train::RecordFile& file : files) {
    train::RecordReader reader = ONDOL_TRY(train::RecordReader::open(file));
    train::Record record;
    while (ONDOL_TRY(reader.next(record))) {
      ONDOL_TRY(train::append_texts(file, record, texts));
      batch_bytes += record.text.size();
      if (batch_bytes < kBatchBytes) continue;
      flush();
      if (interrupted.load()) return Error("stopped");
      bar.update(static_cast<double>(done_bytes + record.place.offset) / 1e6, static_cast<double>(total_bytes) / 1e6);
    }
    done_bytes += file.size_bytes;
  }
  flush();
  return {};
}

/// Before the work, so that nothing is learned that cannot be kept.
Result<void> make_folder_of(const std::string& file) {
  std::error_code code;
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, code);
  if (code) return Error(fmt::format("{}: cannot create: {}", folder.string(), code.message()));
  return {};
}

Result<void> train_tokenizer(const Options& options) {
  ONDOL_TRY(make_folder_of(options.out));
  ThreadPool pool(options.n_threads);
  BpeTrainer trainer = ONDOL_TRY(BpeTrainer::create(options.trainer, pool));
  ONDOL_TRY(read_texts(options, trainer));
  if (trainer.n_bytes() == 0) return Error("expected texts to learn words from, got none");
  TokenizerSpec spec;
  {
    ProgressBar bar(std::string(tr("learning tokens")), "tokens");
    spec = ONDOL_TRY(trainer.train([&](int n_tokens) {
      bar.update(n_tokens, options.trainer.vocabulary_size);
      return !interrupted.load();
    }));
  }
  ONDOL_TRY(write_file_atomically(options.out, ONDOL_TRY(write_tokenizer_json(spec))));
  fmt::print(stderr, "{}: {} tokens from {:.1f} MB, {} different words\n", options.out, spec.vocabulary.size(),
             static_cast<double>(trainer.n_bytes()) / 1e6, trainer.n_different_words());
  // Beside a file of the usual name, so that the folder is one that programs can load.
  const std::filesystem::path path(options.out);
  if (path.filename() != "tokenizer.json") return {};
  const std::string config = (path.parent_path() / "tokenizer_config.json").string();
  ONDOL_TRY(write_file_atomically(config, write_tokenizer_config(spec, chatml_template())));
  fmt::print(stderr, "{}\n", config);
  return {};
}

}  // namespace

void add_train_tokenizer(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "train-tokenizer", "Make a tokenizer from texts, for training from scratch",
                                  "  ondol train-tokenizer texts/ -o my-model/tokenizer.json --vocab-size 32000\n"
                                  "  ondol train-tokenizer a.txt b.jsonl -o tokenizer.json --pre-tokenizer gpt-2\n",
                                  [options] { return train_tokenizer(*options); });
  command->add_option("FILES", options->files, "Texts, JSON Lines with examples, or folders of them")->required();
  command->add_option("-o,--out", options->out, "The file to write")->required();
  command->add_option("--vocab-size", options->trainer.vocabulary_size, "Tokens, with bytes and special ones")
      ->capture_default_str();
  command->add_option("--min-count", options->trainer.min_count, "How often a pair must occur to become a token")
      ->capture_default_str();
  command
      ->add_option("--pre-tokenizer", options->trainer.pre_tokenizer,
                   "How text is cut into words: llama-bpe, gpt-2, ...")
      ->capture_default_str();
  command->add_option("-t,--threads", options->n_threads, "Threads; 0: one for each core that this process may use")
      ->capture_default_str();
}

}  // namespace ondol::cli
