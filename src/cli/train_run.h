// TrainRun: what `ondol train` opens or makes beside the training itself.
#pragma once

#include <memory>
#include <string>

#include "cli/train_options.h"
#include "models/model.h"
#include "train/training.h"

namespace ondol::cli {

/// In the order in which it must live.
struct TrainRun {
  std::shared_ptr<const ModelFile> file;
  std::unique_ptr<Model> model;
  std::unique_ptr<train::Training> training;
};

/// Opens the model and the data and makes what learns.
Result<TrainRun> set_up(const TrainOptions& options);

/// Writes what was learned to --out: the adapter, or the model.
Result<void> write_result(const TrainOptions& options, const TrainRun& run);

/// "mine.gguf" to "mine.checkpoint.gguf", "mine" to the same.
std::string checkpoint_path(const std::string& out);

}  // namespace ondol::cli
