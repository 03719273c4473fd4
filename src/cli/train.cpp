// ondol train: a model learns from one's own examples, through a low-rank adapter.
#include <chrono>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "base/files.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "models/model.h"
#include "runtime/load_text.h"
#include "train/lora.h"
#include "train/trainer.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string model;
  std::string out;
  std::string log;
  std::string method = "lora";
  std::string precision = "bf16";
  std::string schedule = "cosine";
  std::string train_on = "assistant";
  train::DataOptions data;
  train::LoraOptions lora;
  train::TrainerOptions trainer;
  double epochs = 1;
  int64_t n_steps = 0;
  int64_t save_every = 100;
  int n_threads = 0;
};

template <typename Value>
Result<Value> one_of(const std::string& option, const std::string& name,
                     std::initializer_list<std::pair<const char*, Value>> values) {
  std::string known;
  for (const auto& [text, value] : values) {
    if (name == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return Error(fmt::format("{}: expected one of {}, got '{}'", option, known, name));
}

Result<ProductTypes> product_types(const std::string& precision) {
  return one_of<ProductTypes>(
      "--precision", precision,
      {{"fp32", {DType::F32, DType::F32}}, {"bf16", {DType::BF16, DType::BF16}}, {"int8", {DType::Q8_0, DType::BF16}}});
}

/// Everything that one run needs, in the order in which it must live.
struct Run {
  std::shared_ptr<const ModelFile> file;
  std::unique_ptr<Model> model;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<train::DataSource> data;
  train::Parameters parameters;
  std::unique_ptr<train::LoraAdapter> lora;
  std::unique_ptr<train::Student> student;
  std::unique_ptr<train::Trainer> trainer;
};

int64_t wanted_steps(const Options& options, const train::DataSource& data) {
  if (options.n_steps > 0) return options.n_steps;
  const double sequences = static_cast<double>(data.sequences_in_epoch()) * options.epochs;
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(sequences / static_cast<double>(options.trainer.sequences_per_step))));
}

/// The model stays as it is in memory, quantised or not: LoRA and QLoRA are the same here.
Result<void> check_method(const std::string& method) {
  if (method == "lora" || method == "qlora") return {};
  return Error(fmt::format(
      "--method: expected lora or qlora, got '{}' (full training and preferences are not built yet)", method));
}

Result<void> set_up(Options& options, Run& run) {
  using Shape = train::Schedule::Shape;
  const ProductTypes types = ONDOL_TRY(product_types(options.precision));
  train::Schedule& schedule = options.trainer.schedule;
  schedule.shape = ONDOL_TRY(one_of<Shape>(
      "--schedule", options.schedule,
      {{"cosine", Shape::kCosine}, {"linear", Shape::kLinear}, {"constant", Shape::kConstant}, {"wsd", Shape::kWsd}}));
  options.data.encoder.train_on = ONDOL_TRY(one_of<train::TrainOn>(
      "--train-on", options.train_on,
      {{"all", train::TrainOn::kAll}, {"assistant", train::TrainOn::kAssistant}, {"last", train::TrainOn::kLast}}));
  run.file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.model))));
  run.model = ONDOL_TRY(load_model(run.file));
  ONDOL_TRY(train::check_can_learn(*run.model).in(options.model));
  run.backend = ONDOL_TRY(create_cpu_backend({options.n_threads, ""}));
  ModelText text = ONDOL_TRY(load_text(*run.file));
  options.data.n_threads = options.n_threads;
  options.data.seed = options.lora.seed;
  run.data = std::make_unique<train::DataSource>(
      ONDOL_TRY(train::DataSource::open(options.data, text.tokenizer, std::move(text.chat_template))));
  run.lora = std::make_unique<train::LoraAdapter>(
      ONDOL_TRY(train::LoraAdapter::create(*run.model, options.lora, run.parameters)));
  run.student = std::make_unique<train::Student>(*run.model, *run.backend, run.parameters, types, run.lora->use());
  schedule.n_steps = wanted_steps(options, *run.data);
  schedule.warm_up = std::min(schedule.warm_up, schedule.n_steps / 10);
  run.trainer = std::make_unique<train::Trainer>(*run.student, run.parameters, *run.data, options.trainer);
  return {};
}

void print_start(const Options& options, const Run& run) {
  const train::DataStatistics& data = run.data->statistics();
  fmt::print(stderr, "{} examples, {} tokens, {} to be predicted; {} for validation\n", data.n_examples, data.n_tokens,
             data.n_targets, data.n_validation_examples);
  if (data.n_cut + data.n_left_out > 0) {
    fmt::print(stderr, "{} examples are longer than --seq {} and were cut\n", data.n_cut + data.n_left_out,
               options.data.encoder.sequence_length);
  }
  fmt::print(stderr, "{} parameters learn, {} steps, {}\n", run.parameters.n_elements(),
             options.trainer.schedule.n_steps, run.backend->description());
}

/// One JSON document for each step.
class TrainingLog {
 public:
  explicit TrainingLog(std::string path) : path_(std::move(path)) {}

  Result<void> add(const train::StepReport& step, double seconds, std::optional<double> validation) {
    if (path_.empty()) return {};
    json::object line = {{"step", step.step},
                         {"loss", step.loss},
                         {"grad_norm", step.gradient_norm},
                         {"lr", step.rate},
                         {"tokens", step.n_tokens},
                         {"targets", step.n_targets},
                         {"tokens_per_s", static_cast<double>(step.n_tokens) / seconds},
                         {"seconds", seconds}};
    if (validation) line["validation_loss"] = *validation;
    text_ += json::serialize(line) + "\n";
    return write_file_atomically(path_, text_);
  }

 private:
  std::string path_;
  std::string text_;
};

Result<void> save(const Options& options, const Run& run) {
  return run.lora->write_gguf(options.out, run.model->config().architecture);
}

Result<void> train_model(Options options) {
  using Clock = std::chrono::steady_clock;
  if (!options.out.ends_with(".gguf")) {
    return Error(fmt::format("--out: expected a name that ends in .gguf, got '{}'", options.out));
  }
  ONDOL_TRY(check_method(options.method));
  Run run;
  ONDOL_TRY(set_up(options, run));
  print_start(options, run);
  TrainingLog log(options.log);
  ProgressBar bar(std::string(tr("learning")), "steps");
  const auto n_steps = static_cast<double>(options.trainer.schedule.n_steps);
  while (!run.trainer->is_done() && !interrupted.load()) {
    const auto start = Clock::now();
    const train::StepReport step = ONDOL_TRY(run.trainer->step());
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const bool saves = step.step % options.save_every == 0 || run.trainer->is_done();
    const std::optional<double> validation = saves ? ONDOL_TRY(run.trainer->validate()) : std::nullopt;
    ONDOL_TRY(log.add(step, seconds, validation));
    bar.clear();
    fmt::print(stderr, "step {:>5}  loss {:.4f}{}  {:.0f} tokens/s\n", step.step, step.loss,
               validation ? fmt::format("  validation {:.4f}", *validation) : "",
               static_cast<double>(step.n_tokens) / seconds);
    bar.update(static_cast<double>(step.step), n_steps);
    if (saves) ONDOL_TRY(save(options, run));
  }
  bar.clear();
  if (!run.trainer->is_done()) ONDOL_TRY(save(options, run));
  fmt::print(stderr, "{}\n", options.out);
  fmt::print(stderr, "{}\n",
             fmt::format(fmt::runtime(tr("try it: ondol run {} --adapter {}")), options.model, options.out));
  return {};
}

void add_data_options(CLI::App& command, Options& options) {
  command.add_option("--valid", options.data.validation_fraction, "Share of the examples kept for validation")
      ->check(CLI::Range(0.0, 0.9));
  command.add_option("--valid-file", options.data.validation_paths, "Examples for validation (any number of times)");
  command
      .add_option("--seq", options.data.encoder.sequence_length, "Tokens of a sequence, in which examples are packed")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  command.add_option("--train-on", options.train_on, "assistant: its words only; last: its last turn; all")
      ->capture_default_str();
}

void add_learning_options(CLI::App& command, Options& options) {
  command.add_option("--epochs", options.epochs, "Times that every example is seen")->capture_default_str();
  command.add_option("--steps", options.n_steps, "Steps of the optimizer, instead of epochs");
  command.add_option("--batch", options.trainer.sequences_per_step, "Sequences in a step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--lr", options.trainer.schedule.rate, "Learning rate at its highest")->capture_default_str();
  command.add_option("--schedule", options.schedule, "cosine, linear, wsd or constant")->capture_default_str();
  command.add_option("--warm-up", options.trainer.schedule.warm_up, "Steps in which the rate grows")
      ->capture_default_str();
  command.add_option("--clip", options.trainer.clip, "The largest norm of a step's gradients; 0: any")
      ->capture_default_str();
  command.add_option("--precision", options.precision, "Of products on the way back: fp32, bf16 or int8")
      ->capture_default_str();
  command.add_option("--rank", options.lora.rank, "Rank of what is added to each weight")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--alpha", options.lora.alpha, "What is added counts alpha / rank")->capture_default_str();
  command.add_flag("--rslora", options.lora.rank_stabilised, "alpha / sqrt(rank) instead");
  command.add_option("--target", options.lora.targets,
                     "Weights to add to, as attn_q (any number of times); all without");
  command.add_option("--seed", options.lora.seed, "Of the adapter's start and the order of examples");
}

}  // namespace

void add_train(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  options->trainer.schedule.warm_up = 10;
  options->trainer.optimizer.decay = 0.0;
  options->data.encoder.sequence_length = 1024;
  CLI::App* command = add_command(app, "train", "Teach a model with examples: a low-rank adapter",
                                  "  ondol train model.gguf examples.jsonl -o mine.gguf\n"
                                  "  ondol train model.gguf notes/ --train-on all --epochs 3 -o notes.gguf\n"
                                  "  ondol train model.gguf a.jsonl --valid 0.05 --rank 32 --lr 1e-4 -o a.gguf\n",
                                  [options] { return train_model(*options); });
  command
      ->add_option("--model,MODEL", options->model, "A GGUF file, a folder or a name in the store; it stays as it is")
      ->required();
  command->add_option("--data,DATA", options->data.paths, "Files and folders of examples (docs/training-data.md)")
      ->required();
  command->add_option("-o,--out", options->out, "The adapter to write (GGUF)")->required();
  command->add_option("--method", options->method, "lora or qlora, which are the same: the model stays as it is")
      ->capture_default_str();
  command->add_option("--log", options->log, "Also write a line of JSON for each step into this file");
  command->add_option("--save-every", options->save_every, "Steps after which to write and validate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_data_options(*command, *options);
  add_learning_options(*command, *options);
  command->add_option("-t,--threads", options->n_threads, "Threads; 0 takes all processors that this process may use")
      ->check(CLI::Range(0, 4096));
}

}  // namespace ondol::cli
