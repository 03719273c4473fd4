#include "train/trainer.h"

#include <cmath>

#include <fmt/format.h>

namespace ondol::train {

Trainer::Trainer(Student& student, Parameters& parameters, DataSource& data, const TrainerOptions& options)
    : student_(student),
      parameters_(parameters),
      data_(data),
      options_(options),
      optimizer_(parameters, options.optimizer) {}

Result<StepReport> Trainer::step() {
  const auto sequences = ONDOL_TRY(data_.next(static_cast<size_t>(options_.sequences_per_step)));
  StepReport report;
  report.step = n_steps_ + 1;
  report.rate = options_.schedule.rate_at(n_steps_);
  for (const PackedSequence& sequence : sequences) {
    report.n_tokens += static_cast<int64_t>(sequence.n_tokens());
    report.n_targets += static_cast<int64_t>(sequence.n_targets());
  }
  if (report.n_targets == 0) return Error(fmt::format("step {}: the data has no targets", report.step));
  parameters_.clear_gradients();
  const auto weight = static_cast<float>(1.0 / static_cast<double>(report.n_targets));
  for (const PackedSequence& sequence : sequences) report.loss += ONDOL_TRY(student_.learn(sequence, weight));
  report.loss /= static_cast<double>(report.n_targets);
  report.gradient_norm = parameters_.gradient_norm();
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm)) {
    return Error(fmt::format("step {}: the loss is {} and the norm of the gradients {}; a lower learning rate may help",
                             report.step, report.loss, report.gradient_norm));
  }
  if (options_.clip > 0 && report.gradient_norm > options_.clip) {
    parameters_.scale_gradients(static_cast<float>(options_.clip / report.gradient_norm));
  }
  optimizer_.step(parameters_, report.rate);
  ++n_steps_;
  return report;
}

Result<std::optional<double>> Trainer::validate() {
  double loss = 0;
  double n_targets = 0;
  for (uint64_t i = 0; i < data_.n_validation_sequences(); ++i) {
    const PackedSequence sequence = ONDOL_TRY(data_.validation_sequence(i));
    loss += ONDOL_TRY(student_.evaluate(sequence));
    n_targets += static_cast<double>(sequence.n_targets());
  }
  if (n_targets == 0) return std::optional<double>();
  return std::optional<double>(loss / n_targets);
}

}  // namespace ondol::train
