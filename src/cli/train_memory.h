// What a training will need of memory, before it begins.
#pragma once

#include <string>

#include "cli/train_options.h"
#include "models/model.h"

namespace ondol::cli {

/// In bytes.
struct TrainMemory {
  double model = 0;     // the weights, as they lie in the file
  double learning = 0;  // what learns, its gradients, and what the optimizer remembers
  double turned = 0;    // weights turned over for the way back
  double recorded = 0;  // what blocks computed
  double passing = 0;   // activations, logits and the cache of one pass
  double program = 0;   // the tokenizer, the index of the data, and the program itself
  double total() const { return model + learning + turned + recorded + passing + program; }
};

/// An estimate from shapes. `n_learning` numbers learn; `turned_budget` and `recording_budget` bound two of the items.
TrainMemory plan_training(const ModelFile& file, const Model& model, const TrainOptions& options, int64_t n_learning,
                          double turned_budget, double recording_budget);

std::string in_words(const TrainMemory& memory);

}  // namespace ondol::cli
