// The log of a training: one JSON document for each step, in a file that is appended to.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "train/trainer.h"

namespace ondol::train {

class TrainingLog {
 public:
  /// An empty path keeps no log. Of an old file, the first `n_steps_kept` steps stay; the rest is written anew.
  static Result<TrainingLog> open(std::string path, int64_t n_steps_kept);

  Result<void> add(const StepReport& step, double seconds, std::optional<double> validation);

 private:
  explicit TrainingLog(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace ondol::train
