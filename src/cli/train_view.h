// What a person sees of a training: on a terminal one line that lives, elsewhere a line for each step if asked for.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "train/trainer.h"

namespace ondol::cli {

class TrainView {
 public:
  /// `first_step` is the number of steps that were done before.
  TrainView(int64_t first_step, int64_t n_steps, bool verbose);
  ~TrainView();
  TrainView(const TrainView&) = delete;
  TrainView& operator=(const TrainView&) = delete;

  void show(const train::StepReport& step, double seconds, std::optional<double> validation);

 private:
  void clear();

  int64_t first_step_;
  int64_t n_steps_;
  bool verbose_;
  bool shown_ = false;
  double loss_ = 0;    // a running mean
  double weight_ = 0;  // of what the mean is of
  std::optional<double> validation_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// "step 3  loss 1.2345  validation 1.3  210 tokens/s".
std::string step_in_words(const train::StepReport& step, double seconds, std::optional<double> validation);

}  // namespace ondol::cli
