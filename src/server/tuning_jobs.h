// TuningJobs: the trainings that clients asked for, in a folder, one running at a time. They outlive the server: one
// that ran when it ended, however it ended, goes on from its last checkpoint when it starts again.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/file_store.h"
#include "server/model_pool.h"
#include "server/tuning_job.h"
#include "server/tuning_run.h"
#include "server/workers.h"
#include "train/training_log.h"

namespace ondol::server {

class TuningJobs {
 public:
  /// All must outlive it.
  TuningJobs(DataFolder& data, FileStore& files, ModelPool& models) : data_(data), files_(files), models_(models) {}
  /// What runs ends after its step, and goes on another time.
  ~TuningJobs();

  /// Takes up what an earlier server left; what it had learned can be used again. Call once, first. Jobs begin to run
  /// with start().
  Result<void> load();
  void start();
  /// Nothing begins any more, and what runs ends soon.
  void stop() { is_stopping_ = true; }

  struct Outcome {
    TuningJob job;
    std::optional<HttpError> error;
  };
  /// Looks at the files while other things happen, then queues the job.
  Outcome create(json::object asked, const std::string& owner);
  Outcome find(const std::string& id, const std::string& asker) const;
  /// The newest first.
  std::vector<TuningJob> list(const std::string& asker) const;

  Outcome cancel(const std::string& id, const std::string& asker) {
    return change(id, asker, TuningStatus::kCancelled);
  }
  Outcome pause(const std::string& id, const std::string& asker) { return change(id, asker, TuningStatus::kPaused); }
  Outcome resume(const std::string& id, const std::string& asker) { return change(id, asker, TuningStatus::kQueued); }
  /// A job that has ended, with what it learned.
  Outcome remove(const std::string& id, const std::string& asker);

  /// The steps of a job so far.
  std::vector<train::LoggedStep> steps(const std::string& id) const;

  /// What a request would learn from; `done` is called by a thread of the lowest priority.
  void preview(json::object asked, const std::string& owner,
               std::function<void(json::object, std::optional<HttpError>)> done);

 private:
  class Listener;

  std::string folder(const std::string& id) const { return data_.path() / "jobs" / id; }
  Outcome prepare(const json::object& asked, const std::string& owner) const;
  Result<TuningPlaces> places_of(const TuningJob& job) const;
  Outcome change(const std::string& id, const std::string& asker, TuningStatus status);
  /// Applies `edit` to the job under the lock and writes it to the disk. False when there is none.
  bool edit(const std::string& id, const std::function<void(TuningJob&)>& edit);
  bool set_status(TuningJob& job, TuningStatus status, const std::string& message) const;
  std::optional<TuningJob> copy(const std::string& id) const;
  void check_files(const std::string& id);
  void fail(const std::string& id, const Error& error, const std::string& code);
  void queue(const std::string& id);
  void run(const std::string& id);
  Result<void> learn(const TuningJob& job);
  void succeed(const TuningJob& job, const LoadedModel& model);
  void publish(const TuningJob& job, const LoadedModel& model, const train::Course::Lesson& lesson);
  void register_all(const TuningJob& job);
  Result<void> write(const TuningJob& job) const;

  DataFolder& data_;
  FileStore& files_;
  ModelPool& models_;
  std::atomic<bool> is_stopping_{false};
  mutable std::mutex mutex_;
  std::map<std::string, TuningJob> jobs_;
  mutable std::map<std::string, train::TrainingLogReader> logs_;
  // The last members: what they run uses the others.
  Workers checker_{1};
  Workers learner_{1};
};

}  // namespace ondol::server
