// Trainer: step by step, what a student learns from a data source.
#pragma once

#include "train/data/data_source.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/student.h"

namespace ondol::train {

struct TrainerOptions {
  Schedule schedule;
  AdamWOptions optimizer;
  int64_t sequences_per_step = 1;
  double clip = 1.0;  // the largest norm of all gradients together; 0: any
};

struct StepReport {
  int64_t step = 0;  // from 1
  double loss = 0;   // nats for each target
  double gradient_norm = 0;
  double rate = 0;
  int64_t n_tokens = 0;
  int64_t n_targets = 0;
};

class Trainer {
 public:
  /// All must outlive it.
  Trainer(Student& student, Parameters& parameters, DataSource& data, const TrainerOptions& options);

  /// One step of the optimizer, over all targets of its sequences alike. Errors: data that cannot be read any more, no
  /// memory, and a loss that is no number.
  Result<StepReport> step();

  /// Nats for each target of the validation set; nothing when there is none.
  Result<std::optional<double>> validate();

  int64_t n_steps() const { return n_steps_; }
  bool is_done() const { return n_steps_ >= options_.schedule.n_steps; }

 private:
  Student& student_;
  Parameters& parameters_;
  DataSource& data_;
  TrainerOptions options_;
  AdamW optimizer_;
  int64_t n_steps_ = 0;
};

}  // namespace ondol::train
