// ondol train: a model learns from one's own examples.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "cli/train_log.h"
#include "cli/train_options.h"
#include "cli/train_run.h"
#include "cli/train_view.h"

namespace ondol::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void print_start(const TrainOptions& options, const TrainRun& run) {
  const train::DataStatistics& data = run.data->statistics();
  fmt::print(stderr, "{} examples, {} tokens, {} to be predicted; {} for validation\n", data.n_examples, data.n_tokens,
             data.n_targets, data.n_validation_examples);
  if (data.n_cut + data.n_left_out > 0) {
    fmt::print(stderr, "{} examples are longer than --seq {} and were cut\n", data.n_cut + data.n_left_out,
               options.data.encoder.sequence_length);
  }
  fmt::print(stderr, "{} parameters learn, {} steps, {}\n", run.parameters.n_elements(),
             options.trainer.schedule.n_steps, run.backend->description());
  fmt::print(stderr, "{}\n", in_words(run.memory));
}

/// Writes results and checkpoints, and remembers when.
class Saver {
 public:
  Saver(const TrainOptions& options, TrainRun& run)
      : options_(options), run_(run), checkpoint_(checkpoint_path(options.out)) {}

  const std::string& checkpoint() const { return checkpoint_; }

  bool is_late() const { return seconds_since(last_) >= 60 * options_.save_minutes; }

  /// A checkpoint that cannot be written is no reason to stop: the earlier one is still there, and the next one may go
  /// better.
  void save_checkpoint() {
    last_ = Clock::now();
    const auto saved = run_.trainer->save(checkpoint_, run_.identity);
    if (!saved) fmt::print(stderr, "{} {}\n", styled(tr("warning:"), "1;33"), saved.error().message());
  }

  /// With --early-stop, what is written is the best so far.
  Result<void> save_result() {
    if (options_.early_stop > 0 && run_.trainer->validations_since_best() > 0) return {};
    return write_result(options_, run_);
  }

 private:
  const TrainOptions& options_;
  TrainRun& run_;
  std::string checkpoint_;
  Clock::time_point last_ = Clock::now();
};

Result<void> resume(const TrainOptions& options, TrainRun& run, const std::string& checkpoint) {
  const bool exists = std::filesystem::exists(checkpoint);
  if (!options.resume) {
    if (exists) fmt::print(stderr, "{} is there; it will be replaced (--resume would go on from it)\n", checkpoint);
    return {};
  }
  if (!exists) {
    fmt::print(stderr, "{} is not there: the training begins\n", checkpoint);
    return {};
  }
  ONDOL_TRY(run.trainer->resume(checkpoint, run.identity));
  fmt::print(stderr, "going on after step {}\n", run.trainer->n_steps());
  return {};
}

bool has_stopped_improving(const TrainOptions& options, const TrainRun& run) {
  return options.early_stop > 0 && run.trainer->validations_since_best() >= options.early_stop;
}

Result<void> learn(const TrainOptions& options, TrainRun& run, Saver& saver, bool verbose) {
  TrainingLog log = ONDOL_TRY(TrainingLog::open(options.log, run.trainer->n_steps()));
  TrainView view(run.trainer->n_steps(), options.trainer.schedule.n_steps, verbose);
  while (!run.trainer->is_done() && !has_stopped_improving(options, run) && !interrupted.load()) {
    const auto start = Clock::now();
    const train::StepReport step = ONDOL_TRY(run.trainer->step());
    const double seconds = seconds_since(start);
    const bool saves = step.step % options.save_every == 0 || run.trainer->is_done();
    const std::optional<double> validation = saves ? ONDOL_TRY(run.trainer->validate()) : std::nullopt;
    ONDOL_TRY(log.add(step, seconds, validation));
    view.show(step, seconds, validation);
    if (saves) ONDOL_TRY(saver.save_result());
    if (saves || saver.is_late()) saver.save_checkpoint();
  }
  return {};
}

Result<void> train_model(const CLI::App& command, TrainOptions& options, bool verbose) {
  const TrainMethod method = ONDOL_TRY(resolve(command, options));
  const bool is_file = options.out.ends_with(".gguf");
  const bool makes_adapter = method != TrainMethod::kFull && !options.is_new();
  if (!is_file && (!makes_adapter || std::filesystem::is_regular_file(options.out))) {
    return Error(fmt::format("--out: expected a name that ends in .gguf{}, got '{}'",
                             makes_adapter ? ", or a folder to write" : "", options.out));
  }
  // A limit on the size of files shall be an error like a full disk, not the end.
  ::signal(SIGXFSZ, SIG_IGN);
  TrainRun run;
  ONDOL_TRY(set_up(method, options, run));
  print_start(options, run);
  Saver saver(options, run);
  ONDOL_TRY(resume(options, run, saver.checkpoint()));
  ONDOL_TRY(learn(options, run, saver, verbose));
  if (!run.trainer->is_done() && !has_stopped_improving(options, run)) {
    saver.save_checkpoint();
    fmt::print(stderr, "stopped after step {}; --resume goes on\n", run.trainer->n_steps());
    if (!std::filesystem::exists(options.out)) ONDOL_TRY(write_result(options, run));
  }
  ONDOL_TRY(saver.save_result());
  fmt::print(stderr, "{}\n", options.out);
  if (run.lora == nullptr) return {};
  fmt::print(stderr, "{}\n",
             fmt::format(fmt::runtime(tr("try it: ondol run {} --adapter {}")), options.model, options.out));
  return {};
}

}  // namespace

void add_train(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<TrainOptions>();
  auto self = std::make_shared<CLI::App*>();
  CLI::App* command = add_command(app, "train", "Teach a model with examples: an adapter, all weights, or a new model",
                                  "  ondol train model.gguf examples.jsonl -o mine.gguf\n"
                                  "  ondol train model.gguf notes/ --train-on all --epochs 3 -o notes.gguf\n"
                                  "  ondol train model.gguf a.jsonl --valid 0.05 --early-stop 3 --log a.log -o a.gguf\n"
                                  "  ondol train model.gguf a.jsonl -o a.gguf --resume     after a crash or Ctrl-C\n"
                                  "  ondol train model.gguf a.jsonl --method full --type Q8_0 -o taught.gguf\n"
                                  "  ondol train --new llama --layers 4 --width 128 --context 64 a.txt -o new.gguf\n"
                                  "  ondol train recipe.toml --lr 1e-4                     a file with these options\n",
                                  [options, self, &globals] { return train_model(**self, *options, globals.verbose); });
  *self = command;
  add_train_options(*command, *options);
}

}  // namespace ondol::cli
