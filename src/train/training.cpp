#include "train/training.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "backend/derivatives.h"
#include "train/data/check_records.h"
#include "train/data/text_stream.h"
#include "train/float_file.h"

namespace ondol::train {
namespace {

int64_t wanted_steps(const TrainingOptions& options, const SequenceSource& data) {
  if (options.n_steps > 0) return options.n_steps;
  const double sequences = static_cast<double>(data.sequences_in_epoch()) * options.epochs;
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(sequences / static_cast<double>(options.trainer.sequences_per_step))));
}

Result<void> check_ranks(const TrainingOptions& options) {
  const Ranks* ranks = options.trainer.ranks;
  if (ranks == nullptr) return {};
  if (options.method != Method::kLora && options.method != Method::kFull) {
    return Error("several processes: expected --method lora or full; preferences are learned by one process");
  }
  if (options.trainer.sequences_per_step >= ranks->size()) return {};
  return Error(
      fmt::format("several processes: expected at least one sequence of a step for each of the {}, got {} "
                  "(--batch times --accumulate)",
                  ranks->size(), options.trainer.sequences_per_step));
}

}  // namespace

Result<std::unique_ptr<SequenceSource>> open_data(const TrainingOptions& options, const Pupil& pupil) {
  if (pupil.streams_texts && ONDOL_TRY(TextStream::takes(options.data.paths))) {
    const TextStreamOptions stream{options.data.paths, options.data.validation_paths, options.data.validation_fraction,
                                   options.data.encoder.sequence_length, options.data.seed};
    return std::unique_ptr<SequenceSource>(ONDOL_TRY(TextStream::open(stream, *pupil.tokenizer)));
  }
  auto data =
      std::make_unique<DataSource>(ONDOL_TRY(DataSource::open(options.data, pupil.tokenizer, pupil.chat_template)));
  ONDOL_TRY(check_format(options.method, data->format()));
  return std::unique_ptr<SequenceSource>(std::move(data));
}

Result<std::unique_ptr<Training>> Training::create(TrainingOptions wanted, const Pupil& pupil) {
  const ProductTypes types = ONDOL_TRY(product_types(wanted.precision));
  ONDOL_TRY(check_can_learn(*pupil.model));
  ONDOL_TRY(check_ranks(wanted));
  std::unique_ptr<Training> training(new Training(std::move(wanted)));
  Training& t = *training;
  TrainingOptions& options = t.options_;
  t.threads_ = std::make_unique<ThreadPool>(options.n_threads);
  t.backend_ = ONDOL_TRY(create_cpu_backend({options.n_threads, ""}));
  t.data_ = ONDOL_TRY(open_data(options, pupil));
  std::optional<AdapterUse> use;
  if (options.method == Method::kFull) {
    add_all(*pupil.file, t.parameters_);
  } else {
    t.lora_ = std::make_unique<LoraAdapter>(
        ONDOL_TRY(LoraAdapter::create(*pupil.model, options.lora, t.parameters_, t.threads_.get())));
    use = t.lora_->use();
  }
  t.student_ = std::make_unique<Student>(*pupil.model, *t.backend_, t.parameters_, types, use);
  // What both may take changes no result, only how much is computed again.
  const auto available = static_cast<double>(std::max<int64_t>(0, options.free_memory()));
  t.backend_->derivatives()->keep_turned(static_cast<size_t>(available / 2));
  t.student_->set_recording_budget(static_cast<size_t>(available / 4));
  if (!options.keep.paths.empty()) {
    if (use == std::nullopt) return Error("--keep: expected a method that makes an adapter, got --method full");
    t.keeping_ = ONDOL_TRY(Keeping::open(options.keep, options.data.seed, *pupil.tokenizer, *t.student_).in("--keep"));
    options.trainer.keeping = &*t.keeping_;
  }
  Schedule& schedule = options.trainer.schedule;
  schedule.n_steps = wanted_steps(options, *t.data_);
  schedule.warm_up = std::min(schedule.warm_up, schedule.n_steps / 10);
  options.trainer.adapter = t.lora_.get();
  t.trainer_ = std::make_unique<Trainer>(*t.student_, t.parameters_, *t.data_, options.trainer,
                                         OptimizerTools{t.threads_.get(), t.backend_.get()});
  t.memory_ =
      plan_training(*pupil.file, *pupil.model, options, t.parameters_.n_elements(), available / 2, available / 4);
  t.identity_ = {hash_of(*pupil.file), identity_of(options)};
  t.identity_.options.push_back({"--keep", t.keeping_ ? t.keeping_->hash().hex() : "none"});
  return training;
}

}  // namespace ondol::train
