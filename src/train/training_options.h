// TrainingOptions: what a training is told, whoever tells it, and the names under which people choose.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "train/data/data_source.h"
#include "train/lora.h"
#include "train/trainer.h"

namespace ondol::train {

enum class Method { kLora, kFull, kDpo, kOrpo, kKto };

struct TrainingOptions {
  Method method = Method::kLora;
  std::string precision = "int8";  // product_types
  DataOptions data;
  LoraOptions lora;
  TrainerOptions trainer;
  PreferenceOptions preferences;  // of methods that learn from them
  KeepOptions keep;               // of methods that make an adapter
  double epochs = 1;
  int64_t n_steps = 0;     // instead of epochs
  int64_t early_stop = 0;  // validations that were no better, after which it ends; 0: never
  int n_threads = 0;       // 0: all
  /// Bytes that are free: half of them may be taken to keep weights turned over, a quarter for what layers computed.
  std::function<int64_t()> free_memory = [] { return int64_t{0}; };

  TrainingOptions();
};

// What names stand for. Errors list the names that there are.

/// lora (or qlora), full, dpo, orpo, kto.
Result<Method> method_named(std::string_view name);
/// cosine, linear, constant, wsd.
Result<Schedule::Shape> schedule_named(std::string_view name);
/// all, assistant, last.
Result<TrainOn> train_on_named(std::string_view name);
/// adamw, adamw-8bit, adamw-bf16, muon, lion.
Result<OptimizerKind> optimizer_named(std::string_view name);
/// fp32, bf16, int8: of products on the way back, and of weights that learn.
Result<ProductTypes> product_types(std::string_view precision);

/// Makes what belongs together agree: preferences with the method, all seeds with the adapter's, an optimizer's usual
/// values.
void settle(TrainingOptions& options);

/// The options that decide about results, as a checkpoint keeps them, by their names on the command line.
std::vector<std::pair<std::string, std::string>> identity_of(const TrainingOptions& options);

}  // namespace ondol::train
