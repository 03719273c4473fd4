#include "cli/train_options.h"

#include <fmt/format.h>

#include "cli/toml_options.h"
#include "cli/train_run.h"
#include "runtime/plan.h"

namespace ondol::cli {
namespace {

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
  options.training.data.paths = options.data_paths;
  if (options.model.empty() == !options.is_new()) {
    return Error(options.is_new() ? "--new: expected no other model" : "--model: expected a model, got none");
  }
  if (options.training.data.paths.empty()) return Error("--data: expected files or folders of examples, got none");
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
  command.add_option("--log", options.course.log, "Also write a line of JSON for each step into this file");
  command.add_flag("--resume", options.course.resumes, "Go on from the checkpoint beside --out, if there is one");
  command.add_option("--save-every", options.course.save_every, "Steps after which to write and validate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--save-minutes", options.save_minutes, "Minutes after which to write a checkpoint at the latest")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_data_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--valid", options.training.data.validation_fraction, "Share of the examples kept for validation")
      ->check(CLI::Range(0.0, 0.9));
  command.add_option("--valid-file", options.training.data.validation_paths,
                     "Examples for validation (any number of times)");
  command
      .add_option("--early-stop", options.training.early_stop,
                  "End after so many validations that were no better; --out is then the best; 0: never")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--seq", options.training.data.encoder.sequence_length,
                  "Tokens of a sequence, in which examples are packed")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  command.add_option("--train-on", options.train_on, "assistant: its words only; last: its last turn; all")
      ->capture_default_str();
}

void add_adapter_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--rank", options.training.lora.rank, "Rank of what is added to each weight")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--alpha", options.training.lora.alpha, "What is added counts alpha / rank")
      ->capture_default_str();
  command.add_flag("--rslora", options.training.lora.rank_stabilised, "alpha / sqrt(rank) instead");
  command
      .add_option("--lora-plus", options.training.lora.b_rate, "How much faster B learns than A; 16 is usual (LoRA+)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_flag("--dora", options.training.lora.magnitudes, "The length of each row learns by itself (DoRA)");
  command.add_option("--target", options.training.lora.targets,
                     "Weights to add to, as attn_q (any number of times); all without");
}

void add_keep_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--keep", options.training.keep.paths,
                     "Plain texts that an adapter is to leave alone: what the model says of them stays, as far as it "
                     "can (any number of times)");
  command.add_option("--keep-weight", options.training.keep.weight, "How much that counts beside the examples")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_preference_options(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--beta", options.training.preferences.beta, "DPO, KTO: how much a change away from the model counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--lambda", options.training.preferences.odds_weight, "ORPO: weight of the odds ratio")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--desirable", options.training.preferences.desirable, "KTO: weight of good answers")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--undesirable", options.training.preferences.undesirable, "KTO: weight of bad answers")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void add_learning_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--epochs", options.training.epochs, "Times that every example is seen")->capture_default_str();
  command.add_option("--steps", options.training.n_steps, "Steps of the optimizer, instead of epochs");
  command.add_option("--batch", options.training.trainer.sequences_per_step, "Sequences in a step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command
      .add_option("--accumulate", options.accumulated,
                  "Batches in a step; memory does not grow with them, nor with --batch")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--lr", options.training.trainer.schedule.rate, "Learning rate at its highest")
      ->capture_default_str();
  command.add_option("--schedule", options.schedule, "cosine, linear, wsd or constant")->capture_default_str();
  command.add_option("--warm-up", options.training.trainer.schedule.warm_up, "Steps in which the rate grows")
      ->capture_default_str();
  command.add_option("--clip", options.training.trainer.clip, "The largest norm of a step's gradients; 0: any")
      ->capture_default_str();
  command
      .add_option("--optimizer", options.optimizer,
                  "adamw, adamw-8bit, adamw-bf16, muon, or lion (a tenth of the rate)")
      ->capture_default_str();
  command.add_option("--decay", options.training.trainer.optimizer.decay, "Weight decay of matrices")
      ->capture_default_str();
  command
      .add_option("--precision", options.training.precision,
                  "Of products on the way back, and of weights that learn: fp32, bf16 or int8")
      ->capture_default_str();
  command.add_option("--seed", options.training.lora.seed, "Of the adapter's start and the order of examples");
  command
      .add_option("-t,--threads", options.training.n_threads, "Threads; 0: one for each core that this process may use")
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
void set_usual_values(const CLI::App& command, TrainOptions& options) {
  train::TrainingOptions& training = options.training;
  const auto is_given = [&](const char* name) { return command.count(name) > 0; };
  if (options.is_new()) {
    if (!is_given("--lr")) training.trainer.schedule.rate = 1e-3;
    if (!is_given("--decay")) training.trainer.optimizer.decay = 0.1;
    if (!is_given("--seq")) training.data.encoder.sequence_length = static_cast<uint32_t>(options.fresh.context);
    if (!is_given("--train-on")) options.train_on = "all";
  } else if (training.method == train::Method::kFull && !is_given("--lr")) {
    training.trainer.schedule.rate = 2e-5;
  }
}

}  // namespace

void add_train_options(CLI::App& command, TrainOptions& options) {
  add_places(command, options);
  add_data_options(command, options);
  add_learning_options(command, options);
  add_adapter_options(command, options);
  add_keep_options(command, options);
  add_preference_options(command, options);
  add_new_model_options(command, options);
}

Result<void> resolve(const CLI::App& command, TrainOptions& options) {
  train::TrainingOptions& training = options.training;
  ONDOL_TRY(find_model_and_data(command, options));
  if (options.is_new()) options.method = "full";
  training.method = ONDOL_TRY(train::method_named(options.method).in("--method"));
  set_usual_values(command, options);
  training.trainer.schedule.shape = ONDOL_TRY(train::schedule_named(options.schedule).in("--schedule"));
  training.data.encoder.train_on = ONDOL_TRY(train::train_on_named(options.train_on).in("--train-on"));
  training.trainer.optimizer.kind = ONDOL_TRY(train::optimizer_named(options.optimizer).in("--optimizer"));
  ONDOL_TRY(train::product_types(training.precision).in("--precision"));
  train::settle(training);
  options.fresh.seed = training.lora.seed;
  training.trainer.sequences_per_step *= options.accumulated;
  training.free_memory = [] { return available_memory_bytes(); };
  options.course.save_seconds = 60 * options.save_minutes;
  options.course.checkpoint = checkpoint_path(options.out);
  return {};
}

}  // namespace ondol::cli
