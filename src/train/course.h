// Course: a training from its first step to its last, with what is written on the way: a line of the log for each step,
// validations and checkpoints.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "train/training.h"
#include "train/training_log.h"

namespace ondol::train {

struct CourseOptions {
  std::string checkpoint;     // the file
  std::string log;            // empty: none
  int64_t save_every = 100;   // steps after which to validate and save
  double save_seconds = 600;  // after which to write a checkpoint at the latest
  bool resumes = false;       // go on from the checkpoint, if it is there
};

class Course {
 public:
  /// `training` must outlive it. Errors: a checkpoint that belongs to another training, a log that cannot be written.
  static Result<Course> begin(Training& training, CourseOptions options);

  /// Steps that were done when it began.
  int64_t first_step() const { return first_step_; }
  /// All steps are done, or the validations stopped getting better.
  bool is_over() const;

  struct Lesson {
    StepReport step;
    double seconds = 0;
    std::optional<double> validation;
    bool saves = false;       // what was learned is to be written now
    bool is_checked = false;  // a checkpoint is due
  };
  /// The next step.
  Result<Lesson> next();

  /// With early_stop, only the best so far is to be written as the result.
  bool is_worth_writing() const;

  /// Errors: whatever the system refuses; then the earlier checkpoint is still there.
  Result<void> save_checkpoint();

 private:
  using Clock = std::chrono::steady_clock;
  Course(Training& training, CourseOptions options, TrainingLog log)
      : training_(&training), options_(std::move(options)), log_(std::move(log)) {}

  Training* training_;
  CourseOptions options_;
  TrainingLog log_;
  int64_t first_step_ = 0;
  Clock::time_point last_saved_ = Clock::now();
};

}  // namespace ondol::train
