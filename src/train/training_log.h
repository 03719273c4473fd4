// The log of a training: one JSON document for each step, in a file that is appended to.
#pragma once

#include <optional>
#include <string>
#include <vector>

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

/// A line of a log.
struct LoggedStep {
  int64_t step = 0;
  int64_t time = 0;  // Unix seconds
  double loss = 0;
  std::optional<double> validation_loss;
  double tokens_per_s = 0;
  double rate = 0;
  double gradient_norm = 0;
  int64_t n_tokens = 0;
  std::optional<PreferenceSummary> preferences;
  std::optional<double> drift;
};

/// Reads a log that is being written, more of it each time.
class TrainingLogReader {
 public:
  explicit TrainingLogReader(std::string path) : path_(std::move(path)) {}

  /// All steps so far; those of a log that is not there are none.
  const std::vector<LoggedStep>& steps();

 private:
  std::string path_;
  uint64_t offset_ = 0;  // up to which it was read
  std::vector<LoggedStep> steps_;
};

}  // namespace ondol::train
