// Schedule: the learning rate of each step.
#pragma once

#include <cstdint>

namespace ondol::train {

struct Schedule {
  enum class Shape {
    kConstant,
    kLinear,  // down to `last` of the rate
    kCosine,  // likewise, along half a cosine (Loshchilov and Hutter, 2017)
    kWsd      // constant, then down over the last `decay` of the steps (Hu et al., 2024: MiniCPM)
  };
  Shape shape = Shape::kCosine;
  double rate = 2e-4;
  double last = 0.1;    // of the rate, at the end
  double decay = 0.2;   // of the steps
  int64_t warm_up = 0;  // steps in which the rate grows from nothing
  int64_t n_steps = 1;

  /// `step` counts from 0.
  double rate_at(int64_t step) const;
};

}  // namespace ondol::train
