#include "cli/train_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/toml_options.h"

namespace ondol::cli {
namespace {

template <typename Value>
Result<Value> one_of(const std::string& option, const std::string& name,
                     std::initializer_list<std::pair<std::string_view, Value>> values) {
  std::string known;
  for (const auto& [text, value] : values) {
    if (name == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return Error(fmt::format("{}: expected one of {}, got '{}'", option, known, name));
}

std::pair<std::string_view, train::OptimizerKind> named(train::OptimizerKind kind) {
  return {train::optimizer_name(kind), kind};
}

Result<TrainMethod> method_of(const std::string& name) {
  return one_of<TrainMethod>("--method", name,
                             {{"lora", TrainMethod::kLora},
                              {"qlora", TrainMethod::kLora},
                              {"full", TrainMethod::kFull},
                              {"dpo", TrainMethod::kDpo},
                              {"orpo", TrainMethod::kOrpo},
                              {"kto", TrainMethod::kKto}});
}

/// The model and the data may come in any of three ways.
Result<void> find_model_and_data(const CLI::App& command, TrainOptions& options) {
  if (options.first.ends_with(".toml")) {
    ONDOL_TRY(apply_toml(options.first, command));
  } else if (!options.first.empty()) {
    if (options.model.empty() && !options.is_new()) {
      options.model = options.first;
    } else {
      options.rest.insert(options.rest.begin(), options.first);
    }
  }
  options.data_paths.insert(options.data_paths.end(), options.rest.begin(), options.rest.end());
  options.data.paths = options.data_paths;
  if (options.model.empty() == !options.is_new()) {
    return Error(options.is_new() ? "--new: expected no other model" : "--model: expected a model, got none");
  }
  if (options.data.paths.empty()) return Error("--data: expected files or folders of examples, got none");
  if (options.out.empty()) return Error("--out: expected where to write, got nothing");
  return {};
}

void add_places(CLI::App& command, TrainOptions& options) {
  command.add_option("MODEL", options.first,
                     "A GGUF file, a folder or a name in the store, which stays as it is; or a file CONFIG.toml with "
                     "any of these options (lr = 1e-4)");
  command.add_option("DATA", options.rest, "Files and folders of examples (docs/training-data.md)");
  command.add_option("--model", options.model, "The model, if it is not the first argument");
  command.add_option("--data", options.data_paths,
                     "Examples, if they are not the other arguments (any number of times)");
  command.add_option("-o,--out", options.out,
                     "The adapter to write: a name that ends in .gguf, or a folder as the peft package has it; with "
                     "--method full or --new, the model (GGUF)");
  command
      .add_option("--method", options.method,
                  "lora, or qlora, which is the same: the model stays as it is, quantised or not; full: all weights "
                  "learn, in 32 bits; dpo and orpo learn from pairs of answers, kto from judged ones")
      ->capture_default_str();
  command.add_option("--log", options.log, "Also write a line of JSON for each step into this file");
  command.add_flag("--resume", options.resume, "Go on from the checkpoint beside --out, if there is one");
  command.add_option("--save-every", options.save_every, "Steps after which to write and validate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--save-minutes", options.save_minutes, "Minutes after which to write a checkpoint at the latest")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_data_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--valid", options.data.validation_fraction, "Share of the examples kept for validation")
      ->check(CLI::Range(0.0, 0.9));
  command.add_option("--valid-file", options.data.validation_paths, "Examples for validation (any number of times)");
  command
      .add_option("--early-stop", options.early_stop,
                  "End after so many validations that were no better; --out is then the best; 0: never")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--seq", options.data.encoder.sequence_length, "Tokens of a sequence, in which examples are packed")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  command.add_option("--train-on", options.train_on, "assistant: its words only; last: its last turn; all")
      ->capture_default_str();
}

void add_adapter_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--rank", options.lora.rank, "Rank of what is added to each weight")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--alpha", options.lora.alpha, "What is added counts alpha / rank")->capture_default_str();
  command.add_flag("--rslora", options.lora.rank_stabilised, "alpha / sqrt(rank) instead");
  command.add_option("--lora-plus", options.lora.b_rate, "How much faster B learns than A; 16 is usual (LoRA+)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_flag("--dora", options.lora.magnitudes, "The length of each row learns by itself (DoRA)");
  command.add_option("--target", options.lora.targets,
                     "Weights to add to, as attn_q (any number of times); all without");
}

void add_preference_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--beta", options.preferences.beta, "DPO, KTO: how much a change away from the model counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--lambda", options.preferences.odds_weight, "ORPO: weight of the odds ratio")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--desirable", options.preferences.desirable, "KTO: weight of good answers")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--undesirable", options.preferences.undesirable, "KTO: weight of bad answers")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void add_learning_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--epochs", options.epochs, "Times that every example is seen")->capture_default_str();
  command.add_option("--steps", options.n_steps, "Steps of the optimizer, instead of epochs");
  command.add_option("--batch", options.trainer.sequences_per_step, "Sequences in a step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command
      .add_option("--accumulate", options.accumulated,
                  "Batches in a step; memory does not grow with them, nor with --batch")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--lr", options.trainer.schedule.rate, "Learning rate at its highest")->capture_default_str();
  command.add_option("--schedule", options.schedule, "cosine, linear, wsd or constant")->capture_default_str();
  command.add_option("--warm-up", options.trainer.schedule.warm_up, "Steps in which the rate grows")
      ->capture_default_str();
  command.add_option("--clip", options.trainer.clip, "The largest norm of a step's gradients; 0: any")
      ->capture_default_str();
  command
      .add_option("--optimizer", options.optimizer,
                  "adamw, adamw-8bit, adamw-bf16, muon, or lion (a tenth of the rate)")
      ->capture_default_str();
  command.add_option("--decay", options.trainer.optimizer.decay, "Weight decay of matrices")->capture_default_str();
  command.add_option("--precision", options.precision, "Of products on the way back: fp32, bf16 or int8")
      ->capture_default_str();
  command.add_option("--seed", options.lora.seed, "Of the adapter's start and the order of examples");
  command.add_option("-t,--threads", options.n_threads, "Threads; 0 takes all processors that this process may use")
      ->check(CLI::Range(0, 4096));
}

void add_new_model_options(CLI::App& command, TrainOptions& options) {
  train::NewModelOptions& fresh = options.fresh;
  fresh.architecture.clear();
  command.add_option("--new", fresh.architecture, "A new model instead of one that is there: llama");
  command.add_option("--layers", fresh.n_layers, "Of a new model")->check(CLI::Range(1, 1024))->capture_default_str();
  command.add_option("--width", fresh.width, "Of a new model's residual stream")
      ->check(CLI::Range(2, 1 << 16))
      ->capture_default_str();
  command.add_option("--heads", fresh.n_heads, "Of a new model's attention")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_option("--kv-heads", fresh.n_kv_heads, "Heads of its keys and values; without it, as many")
      ->check(CLI::Range(1, 1024));
  command.add_option("--inner", fresh.inner_width, "Width inside its MLPs; without it, 8/3 of --width")
      ->check(CLI::Range(1, 1 << 20));
  command.add_option("--context", fresh.context, "Tokens that it sees, and the default of --seq")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  command
      .add_option("--vocab", options.vocabulary,
                  "Its tokens: bytes, or a folder or tokenizer.json (ondol train-tokenizer)")
      ->capture_default_str();
  command.add_option("--type", options.type, "Of a whole model that is written: BF16, Q8_0, Q4_K_M, F32, ...")
      ->capture_default_str();
}

/// What is usual where the command line says nothing.
void set_usual_values(const CLI::App& command, TrainOptions& options, TrainMethod method) {
  const auto is_given = [&](const char* name) { return command.count(name) > 0; };
  if (options.is_new()) {
    if (!is_given("--lr")) options.trainer.schedule.rate = 1e-3;
    if (!is_given("--decay")) options.trainer.optimizer.decay = 0.1;
    if (!is_given("--seq")) options.data.encoder.sequence_length = static_cast<size_t>(options.fresh.context);
    if (!is_given("--train-on")) options.train_on = "all";
  } else if (method == TrainMethod::kFull && !is_given("--lr")) {
    options.trainer.schedule.rate = 2e-5;
  }
}

}  // namespace

void add_train_options(CLI::App& command, TrainOptions& options) {
  options.trainer.schedule.warm_up = 10;
  options.trainer.optimizer.decay = 0.0;
  options.data.encoder.sequence_length = 1024;
  add_places(command, options);
  add_data_options(command, options);
  add_learning_options(command, options);
  add_adapter_options(command, options);
  add_preference_options(command, options);
  add_new_model_options(command, options);
}

Result<ProductTypes> product_types(const std::string& precision) {
  return one_of<ProductTypes>(
      "--precision", precision,
      {{"fp32", {DType::F32, DType::F32}}, {"bf16", {DType::BF16, DType::BF16}}, {"int8", {DType::Q8_0, DType::BF16}}});
}

Result<TrainMethod> resolve(const CLI::App& command, TrainOptions& options) {
  using Shape = train::Schedule::Shape;
  using Kind = train::OptimizerKind;
  ONDOL_TRY(find_model_and_data(command, options));
  if (options.is_new()) options.method = "full";
  const TrainMethod method = ONDOL_TRY(method_of(options.method));
  set_usual_values(command, options, method);
  options.trainer.schedule.shape = ONDOL_TRY(one_of<Shape>(
      "--schedule", options.schedule,
      {{"cosine", Shape::kCosine}, {"linear", Shape::kLinear}, {"constant", Shape::kConstant}, {"wsd", Shape::kWsd}}));
  options.data.encoder.train_on = ONDOL_TRY(one_of<train::TrainOn>(
      "--train-on", options.train_on,
      {{"all", train::TrainOn::kAll}, {"assistant", train::TrainOn::kAssistant}, {"last", train::TrainOn::kLast}}));
  train::OptimizerOptions& optimizer = options.trainer.optimizer;
  optimizer.kind = ONDOL_TRY(one_of<Kind>(
      "--optimizer", options.optimizer,
      {named(Kind::kAdamW), named(Kind::kAdamW8Bit), named(Kind::kAdamWBf16), named(Kind::kMuon), named(Kind::kLion)}));
  using Preference = train::PreferenceOptions::Kind;
  options.preferences.kind = method == TrainMethod::kKto    ? Preference::kKto
                             : method == TrainMethod::kOrpo ? Preference::kOrpo
                                                            : Preference::kDpo;
  if (method == TrainMethod::kDpo || method == TrainMethod::kOrpo || method == TrainMethod::kKto) {
    options.trainer.preferences = options.preferences;
  }
  if (optimizer.kind == Kind::kLion) optimizer.beta2 = 0.99;
  optimizer.seed = options.lora.seed;
  options.data.seed = options.lora.seed;
  options.fresh.seed = options.lora.seed;
  options.data.n_threads = options.n_threads;
  options.trainer.sequences_per_step *= options.accumulated;
  return method;
}

std::vector<std::pair<std::string, std::string>> identity_of(const TrainOptions& options) {
  const train::Schedule& schedule = options.trainer.schedule;
  const train::LoraOptions& lora = options.lora;
  return {{"--method", options.method},
          {"--optimizer", options.optimizer},
          {"--precision", options.precision},
          {"--schedule", options.schedule},
          {"--lr", fmt::format("{}", schedule.rate)},
          {"--warm-up", fmt::format("{}", schedule.warm_up)},
          {"--steps", fmt::format("{}", schedule.n_steps)},
          {"--batch", fmt::format("{} sequences a step", options.trainer.sequences_per_step)},
          {"--clip", fmt::format("{}", options.trainer.clip)},
          {"--decay", fmt::format("{}", options.trainer.optimizer.decay)},
          {"--seed", fmt::format("{}", lora.seed)},
          {"--rank", fmt::format("{}", lora.rank)},
          {"--alpha", fmt::format("{}", lora.alpha)},
          {"--rslora", fmt::format("{}", lora.rank_stabilised)},
          {"--lora-plus", fmt::format("{}", lora.b_rate)},
          {"--dora", fmt::format("{}", lora.magnitudes)},
          {"--target", fmt::format("{}", fmt::join(lora.targets, " "))},
          {"--beta", fmt::format("{}", options.preferences.beta)},
          {"--lambda", fmt::format("{}", options.preferences.odds_weight)},
          {"--desirable", fmt::format("{}", options.preferences.desirable)},
          {"--undesirable", fmt::format("{}", options.preferences.undesirable)},
          {"--early-stop", fmt::format("{}", options.early_stop)}};
}

}  // namespace ondol::cli
