// Rotary position embedding (Su et al., 2021: RoFormer) and the ways to stretch it to longer contexts.
//
// The angles of a batch are computed once and used by all layers and heads. Pair i of R / 2 turns by position times
// frequency i, which is base^(-2i/R), then changed by the scaling:
//   linear     every frequency / factor (Chen et al., 2023: position interpolation)
//   dynamic    the base grows with the length once it exceeds the original context ("dynamic NTK")
//   YaRN       slow pairs as in linear, fast ones unchanged, a ramp between (Peng et al., 2023, section 3.2)
//   LongRoPE   a divisor for each pair, from one of two lists, by length (Ding et al., 2024)
//   Llama 3    a divisor for each pair; the file holds the list
#pragma once

#include <span>
#include <vector>

#include "nn/context.h"

namespace ondol {

struct RopeParams {
  enum class Scaling { kNone, kLinear, kDynamic, kYarn, kLongRope };

  int n_rotated = 0;  // R: how many elements of a head turn; even
  double base = 10000.0;
  Scaling scaling = Scaling::kNone;
  double factor = 1.0;            // how many times the original context is stretched
  double original_context = 0.0;  // positions; for dynamic, YaRN and LongRoPE
  double attention_factor = 1.0;  // cosines and sines are multiplied by this (YaRN's and LongRoPE's temperature)

  double beta_fast = 32.0;  // YaRN: pairs that turn more often than this over the original context are left alone,
  double beta_slow = 1.0;   // and those that turn less often than this are interpolated
  bool truncate = true;     // YaRN: the ramp's ends are rounded outwards to whole pairs

  std::vector<float> divisors;  // R / 2, or empty: frequency i is divided by divisors[i] (LongRoPE: its short list)
  std::vector<float> long_divisors;  // LongRoPE beyond the original context
};

/// YaRN's factor for cosines and sines when a context is stretched `factor` times (section 3.4): 0.1 weight ln factor
/// + 1, and 1 for factors up to 1. `weight` is DeepSeek's "mscale".
double yarn_attention_factor(double factor, double weight = 1.0);

/// Rows of one sequence, at consecutive positions.
struct PositionRun {
  int n_rows = 0;
  int first_position = 0;
  int length = 0;  // positions that the sequence has or is meant to reach; the scalings that depend on length use it
};

class Rope {
 public:
  Rope() = default;
  explicit Rope(RopeParams params);

  int n_rotated() const { return params_.n_rotated; }

  /// LongRoPE: sequences longer than this are rotated in another way from their beginning on. 0: there is no such
  /// length.
  int64_t changes_after() const;

  /// [T, R] for the rows of all runs, one run after another: R / 2 cosines, then R / 2 sines. In the arena.
  Tensor angles(std::span<const PositionRun> runs, Arena& arena) const;

 private:
  std::vector<double> frequencies_at(int length) const;

  RopeParams params_;
};

}  // namespace ondol
