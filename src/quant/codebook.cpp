#include "quant/codebook.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quant/iq_grids.h"

namespace ondol {
namespace {

constexpr float kIq2Digits[] = {8, 25, 43};
constexpr float kIq3XxsDigits[] = {4, 12, 20, 28, 36, 44, 52, 62};
constexpr float kIq3SDigits[] = {1, 3, 5, 7, 9, 11, 13, 15};
constexpr float kIq1Digits[] = {-1, 0, 1};

template <typename T>
std::vector<float> to_floats(const T* entries, size_t n) {
  return {entries, entries + n};
}

}  // namespace

Codebook::Codebook(std::vector<float> entries, int width, std::span<const float> digits)
    : width_(width), n_digits_(static_cast<int>(digits.size())), entries_(std::move(entries)) {
  std::copy(digits.begin(), digits.end(), digits_);
  for (int k = 0; k + 1 < n_digits_; ++k) thresholds_[k] = lanes((digits_[k] + digits_[k + 1]) / 2);
  int n_points = 1;
  for (int i = 0; i < width_; ++i) {
    places_[i / 4][i % 4] = static_cast<float>(n_points);
    n_points *= n_digits_;
  }
  neighbours_.resize(static_cast<size_t>(n_points) * kNeighbours);
  is_entry_.resize(static_cast<size_t>(n_points));
  for (int point = 0; point < n_points; ++point) list_neighbours(point);
}

void Codebook::list_neighbours(int point) {
  float target[8];
  for (int i = 0, rest = point; i < width_; ++i, rest /= n_digits_) target[i] = digits_[rest % n_digits_];
  // Distances are whole numbers, so that distance and index make one key that orders entries without ties.
  const int n_entries = static_cast<int>(entries_.size()) / width_;
  std::vector<uint32_t> keys(static_cast<size_t>(n_entries));
  for (int k = 0; k < n_entries; ++k) {
    float distance = 0.0f;
    for (int i = 0; i < width_; ++i) distance += (target[i] - entry(k)[i]) * (target[i] - entry(k)[i]);
    keys[static_cast<size_t>(k)] = (static_cast<uint32_t>(distance) << 11) | static_cast<uint32_t>(k);
  }
  std::partial_sort(keys.begin(), keys.begin() + kNeighbours, keys.end());
  uint16_t* list = neighbours_.data() + static_cast<size_t>(point) * kNeighbours;
  for (int k = 0; k < kNeighbours; ++k) list[k] = static_cast<uint16_t>(keys[static_cast<size_t>(k)] & 2047);
  is_entry_[static_cast<size_t>(point)] = keys[0] >> 11 == 0;
}

int Codebook::lattice_point(const float* v) const {
  Lanes point{};
  for (int i = 0; i < width_; i += 4) {
    const Lanes value = lanes_load(v + i);
    Lanes digit{};
    for (int k = 0; k + 1 < n_digits_; ++k) digit += value > thresholds_[k] ? lanes(1.0f) : lanes(0.0f);
    point += digit * places_[i / 4];
  }
  return static_cast<int>(lanes_sum(point));
}

int Codebook::nearest(const float* v, const float* w) const {
  const auto point = static_cast<size_t>(lattice_point(v));
  const uint16_t* list = neighbours_.data() + point * kNeighbours;
  if (is_entry_[point]) return list[0];
  int best = list[0];
  float best_error = INFINITY;
  for (int k = 0; k < kNeighbours; ++k) {
    Lanes error{};
    for (int i = 0; i < width_; i += 4) {
      const Lanes rest = lanes_load(v + i) - lanes_load(entry(list[k]) + i);
      error += lanes_load(w + i) * rest * rest;
    }
    const float total = lanes_sum(error);
    best = total < best_error ? list[k] : best;
    best_error = total < best_error ? total : best_error;
  }
  return best;
}

const Codebook& iq2_xxs_codebook() {
  static const Codebook codebook(to_floats(kIq2XxsGrid.entry[0], 256 * 8), 8, kIq2Digits);
  return codebook;
}

const Codebook& iq2_xs_codebook() {
  static const Codebook codebook(to_floats(kIq2XsGrid.entry[0], 512 * 8), 8, kIq2Digits);
  return codebook;
}

const Codebook& iq2_s_codebook() {
  static const Codebook codebook(to_floats(kIq2SGrid.entry[0], 1024 * 8), 8, kIq2Digits);
  return codebook;
}

const Codebook& iq3_xxs_codebook() {
  static const Codebook codebook(to_floats(kIq3XxsGrid.entry[0], 256 * 4), 4, kIq3XxsDigits);
  return codebook;
}

const Codebook& iq3_s_codebook() {
  static const Codebook codebook(to_floats(kIq3SGrid.entry[0], 512 * 4), 4, kIq3SDigits);
  return codebook;
}

const Codebook& iq1_codebook() {
  static const Codebook codebook(to_floats(kIq1Grid.entry[0], 2048 * 8), 8, kIq1Digits);
  return codebook;
}

}  // namespace ondol
