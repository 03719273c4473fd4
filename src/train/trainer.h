// Trainer: step by step, what a student learns from a data source.
#pragma once

#include "train/checkpoint.h"
#include "train/data/sequence_source.h"
#include "train/keeping.h"
#include "train/lora.h"
#include "train/optimizer.h"
#include "train/preferences.h"
#include "train/ranks.h"
#include "train/schedule.h"
#include "train/student.h"

namespace ondol::train {

struct TrainerOptions {
  Schedule schedule;
  OptimizerOptions optimizer;
  int64_t sequences_per_step = 1;                // short ones are learned together, long ones one after another
  double clip = 1.0;                             // the largest norm of all gradients together; 0: any
  LoraAdapter* adapter = nullptr;                // the one that learns, if any
  Keeping* keeping = nullptr;                    // what is to stay as it was, if anything; needs an adapter
  std::optional<PreferenceOptions> preferences;  // learn from them, not from texts
  /// The processes that share every step's sequences, if there are others. Not for preferences.
  Ranks* ranks = nullptr;
};

/// What learning from preferences came to.
struct PreferenceSummary {
  double margin = 0;    // means over pairs, or over judged answers
  double accuracy = 0;  // share with the better one ahead
};

struct StepReport {
  int64_t step = 0;  // from 1
  double loss = 0;   // nats for each target; of preferences: for each pair or judged answer
  double gradient_norm = 0;
  double rate = 0;
  int64_t n_tokens = 0;
  int64_t n_targets = 0;
  std::optional<PreferenceSummary> preferences;
  std::optional<double> drift;  // nats for each token of what is to stay as it was
};

class Trainer {
 public:
  /// All must outlive it.
  Trainer(Student& student, Parameters& parameters, SequenceSource& data, const TrainerOptions& options,
          OptimizerTools tools = {});

  /// One step of the optimizer, over all targets of its sequences alike. Errors: data that cannot be read any more, no
  /// memory, and a loss that is no number.
  Result<StepReport> step();

  /// The loss of the validation set, as in StepReport; nothing when there is none. Counts for validations_since_best.
  Result<std::optional<double>> validate();
  /// 0 when the last one was the best so far.
  int64_t validations_since_best() const { return n_since_best_; }

  int64_t n_steps() const { return n_steps_; }
  bool is_done() const { return n_steps_ >= options_.schedule.n_steps; }

  /// Writes everything that decides how the training goes on. Errors: those of write_checkpoint.
  Result<void> save(const std::string& path, const TrainingIdentity& identity);
  /// Goes on from there: steps are the same, bit for bit, as without a pause. Errors: those of read_checkpoint, and
  /// other data.
  Result<void> resume(const std::string& path, const TrainingIdentity& identity);

 private:
  Result<void> learn(std::span<const PackedSequence> sequences, StepReport& report);
  Result<void> stay(StepReport& report);
  /// Every size-th of them, from this process's on.
  std::vector<PackedSequence> share_of(std::vector<PackedSequence> sequences) const;
  Result<void> add_up_ranks(StepReport& report);
  Result<std::optional<double>> validation_loss();

  Student& student_;
  Parameters& parameters_;
  SequenceSource& data_;
  TrainerOptions options_;
  ThreadPool* threads_;  // or nullptr
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Preferences> preferences_;
  int64_t n_steps_ = 0;
  std::optional<double> best_validation_;
  int64_t n_since_best_ = 0;
};

}  // namespace ondol::train
