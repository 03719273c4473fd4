#include "train/course.h"

#include <filesystem>

namespace ondol::train {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Result<Course> Course::begin(Training& training, CourseOptions options) {
  std::error_code code;
  if (options.resumes && std::filesystem::exists(options.checkpoint, code)) {
    ONDOL_TRY(training.trainer().resume(options.checkpoint, training.identity()));
  }
  TrainingLog log = ONDOL_TRY(TrainingLog::open(options.log, training.trainer().n_steps()));
  Course course(training, std::move(options), std::move(log));
  course.first_step_ = training.trainer().n_steps();
  return course;
}

bool Course::is_over() const {
  const int64_t patience = training_->options().early_stop;
  return training_->trainer().is_done() || (patience > 0 && training_->trainer().validations_since_best() >= patience);
}

Result<Course::Lesson> Course::next() {
  Lesson lesson;
  const auto start = Clock::now();
  lesson.step = ONDOL_TRY(training_->trainer().step());
  lesson.seconds = seconds_since(start);
  lesson.saves = lesson.step.step % options_.save_every == 0 || training_->trainer().is_done();
  if (lesson.saves) lesson.validation = ONDOL_TRY(training_->trainer().validate());
  ONDOL_TRY(log_.add(lesson.step, lesson.seconds, lesson.validation));
  lesson.is_checked = lesson.saves || seconds_since(last_saved_) >= options_.save_seconds;
  return lesson;
}

bool Course::is_worth_writing() const {
  return training_->options().early_stop == 0 || training_->trainer().validations_since_best() == 0;
}

Result<void> Course::save_checkpoint() {
  last_saved_ = Clock::now();
  return training_->trainer().save(options_.checkpoint, training_->identity());
}

}  // namespace ondol::train
