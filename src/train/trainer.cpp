#include "train/trainer.h"

#include <cmath>

#include <fmt/format.h>

namespace ondol::train {

Trainer::Trainer(Student& student, Parameters& parameters, SequenceSource& data, const TrainerOptions& options,
                 OptimizerTools tools)
    : student_(student),
      parameters_(parameters),
      data_(data),
      options_(options),
      threads_(tools.threads),
      optimizer_(create_optimizer(parameters, options.optimizer, tools)) {
  if (options.preferences) preferences_.emplace(student, *options.preferences);
}

Result<void> Trainer::learn(std::span<const PackedSequence> sequences, StepReport& report) {
  if (preferences_) {
    const PreferenceReport learned = ONDOL_TRY(preferences_->learn(sequences));
    const auto n = static_cast<double>(learned.n);
    report.loss = learned.loss / n;
    report.preferences = PreferenceSummary{learned.margin / n, learned.n_right / n};
    return {};
  }
  const auto weight = static_cast<float>(1.0 / static_cast<double>(report.n_targets));
  report.loss = ONDOL_TRY(student_.learn(sequences, weight));
  report.loss /= static_cast<double>(report.n_targets);
  return {};
}

/// One process of several does it for all: gradients are added up.
Result<void> Trainer::stay(StepReport& report) {
  if (options_.keeping == nullptr || (options_.ranks != nullptr && !options_.ranks->is_first())) return {};
  report.drift = ONDOL_TRY(options_.keeping->learn());
  return {};
}

std::vector<PackedSequence> Trainer::share_of(std::vector<PackedSequence> sequences) const {
  if (options_.ranks == nullptr) return sequences;
  std::vector<PackedSequence> share;
  const auto size = static_cast<size_t>(options_.ranks->size());
  for (size_t i = static_cast<size_t>(options_.ranks->rank()); i < sequences.size(); i += size) {
    share.push_back(std::move(sequences[i]));
  }
  return share;
}

/// Losses and gradients are sums over targets, weighted by how many the whole step has.
Result<void> Trainer::add_up_ranks(StepReport& report) {
  if (options_.ranks == nullptr) return {};
  ONDOL_TRY(options_.ranks->add_up(std::span(&report.loss, 1)));
  for (Parameter& parameter : parameters_.all()) {
    const auto n = static_cast<size_t>(parameter.gradient.shape().elements());
    ONDOL_TRY(options_.ranks->add_up(std::span(parameter.gradient.f32(), n)));
  }
  return {};
}

Result<StepReport> Trainer::step() {
  auto sequences = ONDOL_TRY(data_.next(static_cast<size_t>(options_.sequences_per_step)));
  StepReport report;
  report.step = n_steps_ + 1;
  report.rate = options_.schedule.rate_at(n_steps_);
  for (const PackedSequence& sequence : sequences) {
    report.n_tokens += static_cast<int64_t>(sequence.n_tokens());
    report.n_targets += static_cast<int64_t>(sequence.n_targets());
  }
  if (report.n_targets == 0) return Error(fmt::format("step {}: the data has no targets", report.step));
  parameters_.clear_gradients(threads_);
  ONDOL_TRY(learn(share_of(std::move(sequences)), report));
  ONDOL_TRY(stay(report));
  if (options_.adapter != nullptr) options_.adapter->finish_gradients(parameters_);
  ONDOL_TRY(add_up_ranks(report));
  report.gradient_norm = parameters_.gradient_norm(threads_);
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm)) {
    return Error(fmt::format("step {}: the loss is {} and the norm of the gradients {}; a lower learning rate may help",
                             report.step, report.loss, report.gradient_norm));
  }
  const bool is_clipped = options_.clip > 0 && report.gradient_norm > options_.clip;
  optimizer_->step(parameters_, report.rate,
                   is_clipped ? static_cast<float>(options_.clip / report.gradient_norm) : 1.0f);
  if (options_.adapter != nullptr) options_.adapter->refresh();
  ++n_steps_;
  return report;
}

Result<std::optional<double>> Trainer::validation_loss() {
  double loss = 0;
  double n = 0;
  for (uint64_t i = 0; i < data_.n_validation_sequences(); ++i) {
    const PackedSequence sequence = ONDOL_TRY(data_.validation_sequence(i));
    if (preferences_) {
      const PreferenceReport report = ONDOL_TRY(preferences_->evaluate({&sequence, 1}));
      loss += report.loss;
      n += static_cast<double>(report.n);
    } else {
      loss += ONDOL_TRY(student_.evaluate(sequence));
      n += static_cast<double>(sequence.n_targets());
    }
  }
  return n == 0 ? std::optional<double>() : std::optional<double>(loss / n);
}

Result<std::optional<double>> Trainer::validate() {
  const std::optional<double> loss = ONDOL_TRY(validation_loss());
  if (!loss) return loss;
  ++n_since_best_;
  if (!best_validation_ || *loss < *best_validation_) {
    best_validation_ = loss;
    n_since_best_ = 0;
  }
  return loss;
}

Result<void> Trainer::save(const std::string& path, const TrainingIdentity& identity) {
  const TrainingProgress progress{n_steps_, data_.position(), best_validation_, n_since_best_};
  return write_checkpoint(path, identity, progress, parameters_, *optimizer_);
}

Result<void> Trainer::resume(const std::string& path, const TrainingIdentity& identity) {
  const TrainingProgress progress = ONDOL_TRY(read_checkpoint(path, identity, parameters_, *optimizer_));
  ONDOL_TRY(data_.seek(progress.data).in(path));
  if (options_.keeping != nullptr) ONDOL_TRY(options_.keeping->seek(progress.n_steps));
  n_steps_ = progress.n_steps;
  best_validation_ = progress.best_validation;
  n_since_best_ = progress.n_since_best;
  if (options_.adapter != nullptr) options_.adapter->refresh();
  return {};
}

}  // namespace ondol::train
