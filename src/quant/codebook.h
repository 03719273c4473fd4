// Codebook: finds the entry of an IQ codebook that is nearest to a few values, every value counting by its weight.
//
// The values are first rounded to the lattice of all digit combinations. If that point is an entry, it is the answer;
// otherwise the entries around it, listed in advance for every lattice point, are compared.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quant/lanes.h"

namespace ondol {

class Codebook {
 public:
  /// `entries` are n times `width` (4 or 8) numbers, all of them among the ascending `digits` (at most 8).
  Codebook(std::vector<float> entries, int width, std::span<const float> digits);

  int width() const { return width_; }
  float smallest() const { return digits_[0]; }
  float largest() const { return digits_[n_digits_ - 1]; }

  /// The index of the entry with the least sum of w * (v - entry)^2 among those considered.
  int nearest(const float* v, const float* w) const;

  /// The numbers of an entry.
  const float* entry(int index) const { return entries_.data() + index * width_; }

 private:
  static constexpr int kNeighbours = 12;

  int lattice_point(const float* v) const;
  void list_neighbours(int point);

  int width_;
  int n_digits_;
  float digits_[8];
  Lanes thresholds_[7];
  Lanes places_[2];  // what a step of each digit adds to the index of a lattice point
  std::vector<float> entries_;
  std::vector<uint16_t> neighbours_;  // kNeighbours for each lattice point, the nearest first
  std::vector<uint8_t> is_entry_;     // whether the first of them is the point itself
};

/// The codebooks of the formats, built when first asked for (some 20 ms each).
const Codebook& iq2_xxs_codebook();
const Codebook& iq2_xs_codebook();
const Codebook& iq2_s_codebook();
const Codebook& iq3_xxs_codebook();
const Codebook& iq3_s_codebook();
const Codebook& iq1_codebook();

}  // namespace ondol
