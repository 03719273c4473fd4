// Curves of trainings as a picture: one SVG file that needs nothing else, readable in light and in dark pages.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ondol::cli {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;      // step and loss
  std::vector<std::pair<double, double>> validation;  // step and loss on the validation set
};

/// Loss over steps: each step thinly, its running mean as a line, validation as dots with a line between them.
std::string draw_curves(const std::vector<Curve>& curves);

}  // namespace ondol::cli
