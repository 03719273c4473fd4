// TuningJob: a training that a client asked for (/v1/fine_tuning/jobs): what is wanted, how it stands, what came of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/tuning_request.h"

namespace ondol::server {

enum class TuningStatus { kValidating, kQueued, kRunning, kPaused, kSucceeded, kFailed, kCancelled };

/// As OpenAI writes it: "validating_files", "queued", ...
std::string_view status_name(TuningStatus status);

/// Whether a job may go from one state to the other. What has ended stays as it is.
bool may_become(TuningStatus from, TuningStatus to);
inline bool has_ended(TuningStatus status) {
  return status == TuningStatus::kSucceeded || status == TuningStatus::kFailed || status == TuningStatus::kCancelled;
}

/// Why a job failed.
struct TuningError {
  std::string code;
  std::string message;
  std::string parameter;  // "training_file", ...; "" is null
  int64_t line = 0;       // of that file; 0: none
};

/// What was said on the way, beside the steps.
struct TuningMessage {
  int64_t time = 0;
  std::string level = "info";
  std::string text;
  int64_t after_step = 0;
};

/// What had been learned at some step, which can be used.
struct TuningCheckpoint {
  int64_t step = 0;
  int64_t time = 0;
  double loss = 0;
  std::optional<double> validation_loss;
};

struct TuningJob {
  std::string id;
  std::string owner;    // ownership.h
  std::string base;     // the model's id
  std::string adapter;  // the name of what is learned
  TuningStatus status = TuningStatus::kValidating;
  int64_t created_at = 0;
  int64_t finished_at = 0;  // 0: not yet
  json::object asked;       // the body of the request
  TuningRequest request;    // what it says
  std::optional<TuningError> error;
  bool has_result = false;
  int64_t trained_tokens = 0;
  int64_t n_examples = 0;
  int64_t n_steps = 0;  // 0: not known yet
  std::vector<TuningMessage> messages;
  std::vector<TuningCheckpoint> checkpoints;  // the latest last

  /// "base:adapter", the name for requests.
  std::string model_name() const { return base + ":" + adapter; }
  /// Of what had been learned at a step.
  std::string checkpoint_adapter(int64_t step) const { return adapter + "-step-" + std::to_string(step); }
};

/// Everything, for a file; and back. Errors: what cannot be a job.
json::object to_document(const TuningJob& job);
Result<TuningJob> from_document(const json::value& document);

/// As clients see it.
json::object shown(const TuningJob& job);
json::object shown(const TuningJob& job, const TuningCheckpoint& checkpoint);

}  // namespace ondol::server
