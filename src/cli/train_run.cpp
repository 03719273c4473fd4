#include "cli/train_run.h"

#include <cmath>

#include "backend/derivatives.h"
#include "cli/options.h"
#include "runtime/load_text.h"
#include "runtime/plan.h"

namespace ondol::cli {
namespace {

int64_t wanted_steps(const TrainOptions& options, const train::DataSource& data) {
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

}  // namespace

Result<void> set_up(TrainMethod method, TrainOptions& options, TrainRun& run) {
  const ProductTypes types = ONDOL_TRY(product_types(options.precision));
  run.file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.model))));
  run.model = ONDOL_TRY(load_model(run.file));
  ONDOL_TRY(train::check_can_learn(*run.model).in(options.model));
  run.backend = ONDOL_TRY(create_cpu_backend({options.n_threads, ""}));
  run.threads = std::make_unique<ThreadPool>(options.n_threads);
  ModelText text = ONDOL_TRY(load_text(*run.file));
  run.data = std::make_unique<train::DataSource>(
      ONDOL_TRY(train::DataSource::open(options.data, text.tokenizer, std::move(text.chat_template))));
  ONDOL_TRY(check_format(method, run.data->format()));
  run.lora = std::make_unique<train::LoraAdapter>(
      ONDOL_TRY(train::LoraAdapter::create(*run.model, options.lora, run.parameters, run.threads.get())));
  run.student = std::make_unique<train::Student>(*run.model, *run.backend, run.parameters, types, run.lora->use());
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
  run.identity = {train::hash_of(*run.file), identity_of(options)};
  return {};
}

Result<void> write_result(const TrainOptions& options, const TrainRun& run) {
  return run.lora->write_gguf(options.out, run.model->config().architecture);
}

std::string checkpoint_path(const std::string& out) {
  std::string stem = out.ends_with(".gguf") ? out.substr(0, out.size() - 5) : out;
  while (stem.size() > 1 && stem.back() == '/') stem.pop_back();
  return stem + ".checkpoint.gguf";
}

}  // namespace ondol::cli
