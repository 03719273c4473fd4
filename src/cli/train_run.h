// TrainRun: everything that one training needs, made from its options.
#pragma once

#include <memory>
#include <string>

#include "cli/train_memory.h"
#include "cli/train_options.h"
#include "models/model.h"

namespace ondol::cli {

/// In the order in which it must live.
struct TrainRun {
  std::shared_ptr<const ModelFile> file;
  std::unique_ptr<Model> model;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<ThreadPool> threads;
  std::unique_ptr<train::SequenceSource> data;
  train::Parameters parameters;
  std::unique_ptr<train::LoraAdapter> lora;
  std::unique_ptr<train::Student> student;
  std::unique_ptr<train::Trainer> trainer;
  train::TrainingIdentity identity;
  TrainMemory memory;
};

/// Opens the model and the data and makes what learns; `options` gets the number of steps.
Result<void> set_up(TrainMethod method, TrainOptions& options, TrainRun& run);

/// Writes what was learned to --out: the adapter, or the model.
Result<void> write_result(const TrainOptions& options, const TrainRun& run);

/// "mine.gguf" to "mine.checkpoint.gguf", "mine" to the same.
std::string checkpoint_path(const std::string& out);

}  // namespace ondol::cli
