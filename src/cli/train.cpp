// ondol train: a model learns from one's own examples.
#include <signal.h>

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "cli/train_options.h"
#include "cli/train_run.h"
#include "cli/train_view.h"

namespace ondol::cli {
namespace {

std::string in_words(const train::TrainingMemory& memory) {
  return fmt::format("memory: about {} (the model {}, what learns {}, weights turned over {}, recorded {}, a pass {})",
                     human_bytes(memory.total()), human_bytes(memory.model), human_bytes(memory.learning),
                     human_bytes(memory.turned), human_bytes(memory.recorded), human_bytes(memory.passing));
}

void print_start(const train::Training& training) {
  const train::DataStatistics& data = training.data().statistics();
  fmt::print(stderr, "{} examples, {} tokens, {} to be predicted; {} for validation\n", data.n_examples, data.n_tokens,
             data.n_targets, data.n_validation_examples);
  if (data.n_cut + data.n_left_out > 0) {
    fmt::print(stderr, "{} examples are longer than --seq {} and were cut\n", data.n_cut + data.n_left_out,
               training.options().data.encoder.sequence_length);
  }
  fmt::print(stderr, "{} parameters learn, {} steps, {}\n", training.parameters().n_elements(),
             training.options().trainer.schedule.n_steps, training.backend().description());
  fmt::print(stderr, "{}\n", in_words(training.memory()));
}

void print_where_it_begins(const train::CourseOptions& options, bool exists, int64_t first_step) {
  if (!options.resumes && exists) {
    fmt::print(stderr, "{} is there; it will be replaced (--resume would go on from it)\n", options.checkpoint);
  } else if (options.resumes && !exists) {
    fmt::print(stderr, "{} is not there: the training begins\n", options.checkpoint);
  } else if (options.resumes) {
    fmt::print(stderr, "going on after step {}\n", first_step);
  }
}

/// A checkpoint that cannot be written is no reason to stop: the earlier one is still there, and the next one may go
/// better.
void save_checkpoint(train::Course& course) {
  const auto saved = course.save_checkpoint();
  if (!saved) fmt::print(stderr, "{} {}\n", styled(tr("warning:"), "1;33"), saved.error().message());
}

/// The first of several processes speaks and writes.
bool speaks(const TrainRun& run) {
  const train::Ranks* ranks = run.training->options().trainer.ranks;
  return ranks == nullptr || ranks->is_first();
}

/// All processes stop after the same step.
Result<bool> goes_on(const TrainRun& run, const train::Course& course) {
  const bool stops = course.is_over() || interrupted.load();
  train::Ranks* ranks = run.training->options().trainer.ranks;
  return ranks == nullptr ? !stops : !ONDOL_TRY(ranks->any(stops));
}

Result<void> learn(const TrainOptions& options, TrainRun& run, train::Course& course, bool verbose) {
  TrainView view(course.first_step(), run.training->options().trainer.schedule.n_steps, verbose);
  while (ONDOL_TRY(goes_on(run, course))) {
    const train::Course::Lesson lesson = ONDOL_TRY(course.next());
    if (!speaks(run)) continue;
    view.show(lesson.step, lesson.seconds, lesson.validation);
    if (lesson.saves && course.is_worth_writing()) ONDOL_TRY(write_result(options, run));
    if (lesson.is_checked) save_checkpoint(course);
  }
  return {};
}

Result<void> finish(const TrainOptions& options, const TrainRun& run, train::Course& course) {
  if (!course.is_over()) {
    save_checkpoint(course);
    fmt::print(stderr, "stopped after step {}; --resume goes on\n", run.training->trainer().n_steps());
    if (!std::filesystem::exists(options.out)) ONDOL_TRY(write_result(options, run));
  }
  if (course.is_worth_writing()) ONDOL_TRY(write_result(options, run));
  fmt::print(stderr, "{}\n", options.out);
  if (run.training->adapter() == nullptr) return {};
  fmt::print(stderr, "{}\n",
             fmt::format(fmt::runtime(tr("try it: ondol run {} --adapter {}")), options.model, options.out));
  return {};
}

Result<void> train_model(const CLI::App& command, TrainOptions& options, bool verbose) {
  ONDOL_TRY(resolve(command, options));
  const bool is_file = options.out.ends_with(".gguf");
  const bool makes_adapter = options.training.method != train::Method::kFull;
  if (!is_file && (!makes_adapter || std::filesystem::is_regular_file(options.out))) {
    return Error(fmt::format("--out: expected a name that ends in .gguf{}, got '{}'",
                             makes_adapter ? ", or a folder to write" : "", options.out));
  }
  // A limit on the size of files shall be an error like a full disk, not the end.
  ::signal(SIGXFSZ, SIG_IGN);
  const std::unique_ptr<train::Ranks> ranks = ONDOL_TRY(train::join_ranks());
  options.training.trainer.ranks = ranks.get();
  if (ranks && !ranks->is_first()) options.course.log.clear();
  TrainRun run = ONDOL_TRY(set_up(options));
  if (speaks(run)) print_start(*run.training);
  const bool exists = std::filesystem::exists(options.course.checkpoint);
  train::Course course = ONDOL_TRY(train::Course::begin(*run.training, options.course));
  if (speaks(run)) print_where_it_begins(options.course, exists, course.first_step());
  ONDOL_TRY(learn(options, run, course, verbose));
  if (speaks(run)) ONDOL_TRY(finish(options, run, course));
  return ranks ? ranks->leave() : Result<void>();
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
