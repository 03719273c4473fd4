// Checkpoint: a training in progress as a file, so that it goes on after a crash as if nothing had happened.
//
// The file is a GGUF file of its own kind: the weights that learn, what the optimizer remembers, how far the data was
// read, and what the training is of: a hash of the model, a hash of the data, and the options. It appears under its
// name only when it is whole and on the disk; until then the earlier one stays.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "formats/model_file.h"
#include "train/data/data_source.h"
#include "train/optimizer.h"
#include "train/parameters.h"

namespace ondol::train {

/// What a training must have in common with the one that goes on.
struct TrainingIdentity {
  Hash128 model;
  /// Options that decide about results, by the names under which people gave them ("--lr", "0.0002").
  std::vector<std::pair<std::string, std::string>> options;
};

/// How far a training is, beside weights and states.
struct TrainingProgress {
  int64_t n_steps = 0;
  DataPosition data;
  std::optional<double> best_validation;
  int64_t n_since_best = 0;  // validations that were no better
};

/// A hash of all tensors and of their names, types and shapes.
Hash128 hash_of(const ModelFile& file);

/// Errors: whatever the system refuses; then an earlier checkpoint is still there.
Result<void> write_checkpoint(const std::string& path, const TrainingIdentity& identity,
                              const TrainingProgress& progress, const Parameters& parameters, Optimizer& optimizer);

/// Restores weights and states. Errors: no such file, one that is damaged or no checkpoint, and what differs from
/// `identity`; then nothing was changed.
Result<TrainingProgress> read_checkpoint(const std::string& path, const TrainingIdentity& identity,
                                         Parameters& parameters, Optimizer& optimizer);

}  // namespace ondol::train
