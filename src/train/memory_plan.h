// What a training will need of memory, before it begins.
#pragma once

#include "models/model.h"
#include "train/training_options.h"

namespace ondol::train {

/// In bytes.
struct TrainingMemory {
  double model = 0;     // the weights, as they lie in the file
  double learning = 0;  // what learns, its gradients, and what the optimizer remembers
  double turned = 0;    // weights turned over for the way back
  double recorded = 0;  // what blocks computed
  double passing = 0;   // activations, logits and the cache of one pass
  double program = 0;   // the tokenizer, the index of the data, and the program itself
  double total() const { return model + learning + turned + recorded + passing + program; }
};

/// An estimate from shapes. `n_learning` numbers learn; `turned_budget` and `recording_budget` bound two of the items.
TrainingMemory plan_training(const ModelFile& file, const Model& model, const TrainingOptions& options,
                             int64_t n_learning, double turned_budget, double recording_budget);

}  // namespace ondol::train
