// Made vectors that lie in clusters, as those of texts do.
#pragma once

#include <cmath>
#include <vector>

#include "base/random.h"

namespace ondol {

class ClusteredVectors {
 public:
  ClusteredVectors(int width, int n_clusters, uint64_t seed) : random_(seed), width_(static_cast<size_t>(width)) {
    for (int i = 0; i < n_clusters; ++i) centres_.push_back(direction());
  }

  /// Of length 1, about as far from its cluster's centre as that is from the origin.
  std::vector<float> next() {
    const auto cluster = static_cast<size_t>(random_.next() % centres_.size());
    std::vector<float> values = direction();
    for (size_t k = 0; k < width_; ++k) values[k] += centres_[cluster][k];
    return of_length_one(std::move(values));
  }

 private:
  std::vector<float> direction() {
    std::vector<float> values(width_);
    for (float& value : values) value = static_cast<float>(random_.uniform() + random_.uniform() - 1);
    return of_length_one(std::move(values));
  }

  static std::vector<float> of_length_one(std::vector<float> values) {
    double squares = 0;
    for (const float value : values) squares += value * value;
    for (float& value : values) value /= static_cast<float>(std::sqrt(squares));
    return values;
  }

  Random random_;
  size_t width_;
  std::vector<std::vector<float>> centres_;
};

}  // namespace ondol
