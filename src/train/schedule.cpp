#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ondol::train {

double Schedule::rate_at(int64_t step) const {
  if (step < warm_up) return rate * static_cast<double>(step + 1) / static_cast<double>(warm_up);
  const auto left = static_cast<double>(std::max<int64_t>(1, n_steps - warm_up));
  const double done = std::min(1.0, static_cast<double>(step - warm_up) / left);
  switch (shape) {
    case Shape::kConstant:
      return rate;
    case Shape::kLinear:
      return rate * (1.0 - (1.0 - last) * done);
    case Shape::kCosine:
      return rate * (last + (1.0 - last) * 0.5 * (1.0 + std::cos(std::numbers::pi * done)));
    case Shape::kWsd:
      return done < 1.0 - decay ? rate : rate * (1.0 - (1.0 - last) * (done - (1.0 - decay)) / decay);
  }
  return rate;
}

}  // namespace ondol::train
