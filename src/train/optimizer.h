// Optimizer: how gradients change weights.
#pragma once

#include <vector>

#include "train/parameters.h"

namespace ondol::train {

/// Loshchilov and Hutter, 2019: decoupled weight decay.
struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double decay = 0.1;  // of matrices
};

class AdamW {
 public:
  AdamW(const Parameters& parameters, const AdamWOptions& options);
  /// One step with the gradients as they are.
  void step(Parameters& parameters, double rate);

 private:
  struct State {
    OwnedTensor mean;
    OwnedTensor square;
  };
  AdamWOptions options_;
  std::vector<State> states_;
  int64_t n_steps_ = 0;
};

}  // namespace ondol::train
