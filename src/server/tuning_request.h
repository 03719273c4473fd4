// What POST /v1/fine_tuning/jobs asks for: OpenAI's fields, and those of `ondol train` in the object "ondol".
#pragma once

#include <string>

#include "server/fields.h"
#include "train/training_options.h"

namespace ondol::server {

struct TuningRequest {
  std::string model;
  std::string training_file;  // ids
  std::string validation_file;
  std::string suffix;
  train::TrainingOptions options;  // without paths
  int64_t save_every = 100;        // steps after which to validate and save
  double save_seconds = 600;       // after which to save at the latest
  bool yields = true;              // to everything else that wants the processor
  bool is_live = false;            // what is saved is used at once under the name of the result

  /// How the hyperparameters look in answers: {"type": "supervised", "supervised": {"hyperparameters": ...}}.
  json::object method_shown;
  json::object hyperparameters_shown;
  json::object metadata;
};

/// Faults are those of `fields`.
TuningRequest read_tuning_request(const Fields& fields);

}  // namespace ondol::server
