// Encoders of TQ1_0 and TQ2_0: -1, 0, 1 times one scale.
//
// The best code is found exactly. With any scale, the elements that round away from 0 are those of the largest
// magnitudes; so it is enough to try every number of them, each with its best scale.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "quant/block_input.h"
#include "quant/tq1_0.h"
#include "quant/tq2_0.h"

namespace ondol {
namespace {

constexpr int kSize = 256;

struct TernaryCode {
  uint16_t d;
  int8_t q[kSize];
};

float best_scale(const BlockInput& input) {
  int order[kSize];
  std::iota(order, order + kSize, 0);
  std::sort(order, order + kSize, [&](int a, int b) {
    const float left = std::fabs(input.x[a]);
    const float right = std::fabs(input.x[b]);
    return left != right ? left > right : a < b;
  });
  double weight = 0.0;
  double sum = 0.0;
  double best_gain = 0.0;
  double scale = 0.0;
  for (const int i : order) {
    weight += input.w[i];
    sum += static_cast<double>(input.w[i]) * std::fabs(input.x[i]);
    const double gain = sum * sum / weight;
    if (gain <= best_gain) continue;
    best_gain = gain;
    scale = sum / weight;
  }
  return static_cast<float>(scale);
}

TernaryCode find_code(const float* values, const float* importance) {
  BlockInput input;
  load_block(values, importance, kSize, input);
  TernaryCode code;
  code.d = half_of(input, best_scale(input));
  round_to_grid(input.all(), IntegerGrid{-1.0f, 1.0f}, scale_of(input, code.d), code.q);
  return code;
}

// The byte whose digits in base 3 are the `n_digits` elements `stride` apart, as a fraction of 256 rounded up, so that
// TQ1_0's multiplications bring them out again.
uint8_t pack_digits(const int8_t* q, int stride, int n_digits) {
  int number = 0;
  for (int k = 0; k < 5; ++k) number = 3 * number + (k < n_digits ? q[k * stride] + 1 : 0);
  return static_cast<uint8_t>((number * 256 + 242) / 243);
}

}  // namespace

void encode_tq1_0(const float* values, const float* importance, void* blocks, int64_t n) {
  auto* block = static_cast<BlockTQ1_0*>(blocks);
  for (int64_t i = 0; i < n; i += kSize, ++block) {
    const TernaryCode code = find_code(values + i, importance == nullptr ? nullptr : importance + i);
    block->d = code.d;
    for (int k = 0; k < 32; ++k) block->qs[k] = pack_digits(code.q + k, 32, 5);
    for (int k = 0; k < 16; ++k) block->qs[32 + k] = pack_digits(code.q + 160 + k, 16, 5);
    for (int k = 0; k < 4; ++k) block->qh[k] = pack_digits(code.q + 240 + k, 4, 4);
  }
}

void encode_tq2_0(const float* values, const float* importance, void* blocks, int64_t n) {
  auto* block = static_cast<BlockTQ2_0*>(blocks);
  for (int64_t i = 0; i < n; i += kSize, ++block) {
    const TernaryCode code = find_code(values + i, importance == nullptr ? nullptr : importance + i);
    block->d = code.d;
    for (int k = 0; k < 64; ++k) {
      const int8_t* q = code.q + 128 * (k / 32) + k % 32;
      block->qs[k] = static_cast<uint8_t>((q[0] + 1) | ((q[32] + 1) << 2) | ((q[64] + 1) << 4) | ((q[96] + 1) << 6));
    }
  }
}

}  // namespace ondol
