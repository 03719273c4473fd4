// What ondol train is told: on the command line, in a TOML file, or both, in which case the command line counts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>

#include "base/result.h"
#include "train/data/data_source.h"
#include "train/lora.h"
#include "train/new_model.h"
#include "train/trainer.h"

namespace ondol::cli {

enum class TrainMethod { kLora, kFull, kDpo, kOrpo, kKto };

struct TrainOptions {
  std::string first;  // the model, or a TOML file
  std::vector<std::string> rest;
  std::string model;
  std::vector<std::string> data_paths;
  std::string out;
  std::string log;
  std::string method = "lora";
  std::string precision = "int8";
  std::string optimizer = "adamw";
  std::string schedule = "cosine";
  std::string train_on = "assistant";
  train::NewModelOptions fresh;  // of --new; without an architecture: there is a model
  std::string vocabulary = "bytes";
  std::string type = "BF16";  // of a whole model that is written
  train::DataOptions data;
  train::LoraOptions lora;
  train::TrainerOptions trainer;
  train::PreferenceOptions preferences;
  double epochs = 1;
  int64_t n_steps = 0;
  int64_t accumulated = 1;
  int64_t save_every = 100;
  int64_t early_stop = 0;
  double save_minutes = 10;
  int n_threads = 0;
  bool resume = false;

  bool is_new() const { return !fresh.architecture.empty(); }
};

void add_train_options(CLI::App& command, TrainOptions& options);

/// Turns names into what they stand for, and takes values from the TOML file where the command line gave none. Errors
/// name the option at fault.
Result<TrainMethod> resolve(const CLI::App& command, TrainOptions& options);

Result<ProductTypes> product_types(const std::string& precision);

/// The options that decide about results, as a checkpoint keeps them.
std::vector<std::pair<std::string, std::string>> identity_of(const TrainOptions& options);

}  // namespace ondol::cli
