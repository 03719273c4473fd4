// What ondol train is told: on the command line, in a TOML file, or both, in which case the command line counts.
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "base/result.h"
#include "train/course.h"
#include "train/new_model.h"
#include "train/training_options.h"

namespace ondol::cli {

/// As they were written, and in `training` and `course` what that comes to.
struct TrainOptions {
  std::string first;  // the model, or a TOML file
  std::vector<std::string> rest;
  std::string model;
  std::vector<std::string> data_paths;
  std::string out;
  std::string method = "lora";
  std::string optimizer = "adamw";
  std::string schedule = "cosine";
  std::string train_on = "assistant";
  train::NewModelOptions fresh;  // of --new; without an architecture: there is a model
  std::string vocabulary = "bytes";
  std::string type = "BF16";  // of a whole model that is written
  train::TrainingOptions training;
  train::CourseOptions course;
  int64_t accumulated = 1;
  double save_minutes = 10;

  bool is_new() const { return !fresh.architecture.empty(); }
};

void add_train_options(CLI::App& command, TrainOptions& options);

/// Turns names into what they stand for, and takes values from the TOML file where the command line gave none. Errors
/// name the option at fault.
Result<void> resolve(const CLI::App& command, TrainOptions& options);

}  // namespace ondol::cli
