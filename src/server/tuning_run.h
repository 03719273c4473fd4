// TuningRun: one training beside the answers that the server gives: on threads of the lowest priority, with the model's
// weights where they lie, used by both.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "server/model_pool.h"
#include "server/tuning_job.h"
#include "train/course.h"

namespace ondol::server {

/// Where a training reads and writes.
struct TuningPlaces {
  std::string training;    // files of examples
  std::string validation;  // "": none
  std::string folder;      // the job's own

  std::string log() const { return folder + "/log.jsonl"; }
  std::string checkpoint() const { return folder + "/checkpoint.gguf"; }
  std::string result() const { return folder + "/adapter.gguf"; }
  std::string at_step(int64_t step) const { return folder + "/step-" + std::to_string(step) + ".gguf"; }
};

/// The options of a job's training, with its places.
train::TrainingOptions options_of(const TuningRequest& request, const TuningPlaces& places);

/// What an engine's model learns as.
train::Pupil pupil_of(const Engine& engine);

/// Told on the way, by the thread that called run().
class TuningListener {
 public:
  virtual ~TuningListener() = default;
  virtual void on_begin(const train::Training& training, int64_t first_step) = 0;
  virtual void on_step(const train::Course::Lesson& lesson) = 0;
  /// What was learned so far has been written to places.at_step.
  virtual void on_saved(const train::Course::Lesson& lesson) = 0;
  virtual void on_warning(const Error& error) = 0;
  virtual bool wants_end() const = 0;
};

enum class TuningEnd { kDone, kBrokenOff };

/// Returns when all is learned, or when the listener wants an end, after the step that runs; then a checkpoint is
/// written, from which a later run goes on. Errors: what the data, the memory, the disk and the training say.
Result<TuningEnd> run_tuning(const LoadedModel& model, const TuningRequest& request, const TuningPlaces& places,
                             TuningListener& listener);

}  // namespace ondol::server
