// Encoders of the formats with 32 values and one level of scales: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
#include "quant/block_input.h"
#include "quant/half.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q8_0.h"

namespace ondol {
namespace {

constexpr int kSize = 32;

struct SimpleCode {
  uint16_t d;
  int8_t q[kSize];
};

struct OffsetCode {
  uint16_t d;
  uint16_t m;
  int8_t q[kSize];
};

SimpleCode find_scale(const BlockInput& input, IntegerGrid grid) {
  SimpleCode code;
  const Weighted values = input.all();
  const uint16_t half = half_of(input, fit_scale(values, grid).scale);
  const Lanes error = scale_error(values, grid, scales_around(input, half));
  code.d = half_around(half, lanes_argmin(error));
  round_to_grid(values, grid, scale_of(input, code.d), code.q);
  return code;
}

// The offset is rounded to F16 first, because its rounding can cost more than a step of the grid; then the scale is
// fitted to what the offset leaves.
OffsetCode find_offset(const BlockInput& input, float hi) {
  OffsetCode code{};
  const AffineFit fit = fit_affine(input.all(), hi, 1e30f);
  const uint16_t nearest = half_of(input, fit.offset);
  float best = -1.0f;
  for (int lane = 0; lane < 3; ++lane) {
    const uint16_t m = half_around(nearest, lane);
    BlockInput rest = input;
    for (int i = 0; i < kSize; ++i) rest.x[i] -= scale_of(input, m);
    const Weighted values = rest.all();
    const IntegerGrid grid{0.0f, hi};
    const uint16_t half = half_of(input, polish_scale(values, grid, fit.scale).scale);
    const Lanes error = scale_error(values, grid, scales_around(input, half));
    const int at = lanes_argmin(error);
    if (best >= 0.0f && error[at] >= best) continue;
    best = error[at];
    code.d = half_around(half, at);
    code.m = m;
    round_to_grid(values, grid, scale_of(input, code.d), code.q);
  }
  return code;
}

void pack_nibbles(const int8_t* q, int bias, uint8_t* qs) {
  for (int i = 0; i < 16; ++i) {
    qs[i] = static_cast<uint8_t>(((q[i] + bias) & 0x0f) | (((q[i + 16] + bias) & 0x0f) << 4));
  }
}

void pack_fifth_bits(const int8_t* q, int bias, uint8_t* qh) {
  for (int i = 0; i < 4; ++i) {
    int bits = 0;
    for (int k = 0; k < 8; ++k) bits |= (((q[8 * i + k] + bias) >> 4) & 1) << k;
    qh[i] = static_cast<uint8_t>(bits);
  }
}

template <typename Block, typename EncodeBlock>
void for_each_block(const float* values, const float* importance, void* blocks, int64_t n, EncodeBlock encode_block) {
  auto* block = static_cast<Block*>(blocks);
  for (int64_t i = 0; i < n; i += kSize, ++block) {
    BlockInput input;
    load_block(values + i, importance == nullptr ? nullptr : importance + i, kSize, input);
    encode_block(input, *block);
  }
}

}  // namespace

void encode_q4_0(const float* values, const float* importance, void* blocks, int64_t n) {
  for_each_block<BlockQ4_0>(values, importance, blocks, n, [](const BlockInput& input, BlockQ4_0& block) {
    const SimpleCode code = find_scale(input, {-8.0f, 7.0f});
    block.d = code.d;
    pack_nibbles(code.q, 8, block.qs);
  });
}

void encode_q5_0(const float* values, const float* importance, void* blocks, int64_t n) {
  for_each_block<BlockQ5_0>(values, importance, blocks, n, [](const BlockInput& input, BlockQ5_0& block) {
    const SimpleCode code = find_scale(input, {-16.0f, 15.0f});
    block.d = code.d;
    pack_nibbles(code.q, 16, block.qs);
    pack_fifth_bits(code.q, 16, block.qh);
  });
}

void encode_q8_0(const float* values, const float* importance, void* blocks, int64_t n) {
  for_each_block<BlockQ8_0>(values, importance, blocks, n, [](const BlockInput& input, BlockQ8_0& block) {
    const SimpleCode code = find_scale(input, {-127.0f, 127.0f});
    block.d = code.d;
    for (int i = 0; i < kSize; ++i) block.qs[i] = code.q[i];
  });
}

void encode_q4_1(const float* values, const float* importance, void* blocks, int64_t n) {
  for_each_block<BlockQ4_1>(values, importance, blocks, n, [](const BlockInput& input, BlockQ4_1& block) {
    const OffsetCode code = find_offset(input, 15.0f);
    block.d = code.d;
    block.m = code.m;
    pack_nibbles(code.q, 0, block.qs);
  });
}

void encode_q5_1(const float* values, const float* importance, void* blocks, int64_t n) {
  for_each_block<BlockQ5_1>(values, importance, blocks, n, [](const BlockInput& input, BlockQ5_1& block) {
    const OffsetCode code = find_offset(input, 31.0f);
    block.d = code.d;
    block.m = code.m;
    pack_nibbles(code.q, 0, block.qs);
    pack_fifth_bits(code.q, 0, block.qh);
  });
}

}  // namespace ondol
