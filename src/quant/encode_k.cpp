// Encoders of the K formats: Q2_K, Q4_K, Q5_K (scales and mins), Q3_K, Q6_K (scales).
#include "quant/block_input.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_k.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/two_level_search.h"

namespace ondol {
namespace {

constexpr int kSize = 256;

void pack_scales_and_mins(const AffineCode& code, uint8_t* scales) {
  for (int j = 0; j < 4; ++j) {
    scales[j] = static_cast<uint8_t>(code.scale[j] | ((code.scale[j + 4] >> 4) << 6));
    scales[j + 4] = static_cast<uint8_t>(code.min[j] | ((code.min[j + 4] >> 4) << 6));
    scales[j + 8] = static_cast<uint8_t>((code.scale[j + 4] & 0x0f) | ((code.min[j + 4] & 0x0f) << 4));
  }
}

// The low nibbles of Q4_K and Q5_K.
void pack_nibbles(const int8_t* q, uint8_t* qs) {
  for (int i = 0; i < 128; ++i) {
    const int8_t* pair = q + 64 * (i / 32) + i % 32;
    qs[i] = static_cast<uint8_t>((pair[0] & 0x0f) | ((pair[32] & 0x0f) << 4));
  }
}

// Two bits of each element of Q2_K and Q3_K, and the high two of Q6_K, biased to be unsigned.
void pack_pairs_of_bits(const int8_t* q, int bias, int shift, uint8_t* out) {
  for (int i = 0; i < 64; ++i) {
    const int8_t* from = q + 128 * (i / 32) + i % 32;
    int byte = 0;
    for (int k = 0; k < 4; ++k) byte |= (((from[32 * k] + bias) >> shift) & 3) << (2 * k);
    out[i] = static_cast<uint8_t>(byte);
  }
}

// Bit `shift` of each element: the high bits of Q3_K and Q5_K.
void pack_bits(const int8_t* q, int bias, int shift, uint8_t* out) {
  for (int i = 0; i < 32; ++i) {
    int byte = 0;
    for (int k = 0; k < 8; ++k) byte |= (((q[32 * k + i] + bias) >> shift) & 1) << k;
    out[i] = static_cast<uint8_t>(byte);
  }
}

void pack(const AffineCode& code, BlockQ2_K& block) {
  block.d = code.d;
  block.dmin = code.dmin;
  for (int j = 0; j < 16; ++j) block.scales[j] = static_cast<uint8_t>(code.scale[j] | (code.min[j] << 4));
  pack_pairs_of_bits(code.q, 0, 0, block.qs);
}

void pack(const AffineCode& code, BlockQ4_K& block) {
  block.d = code.d;
  block.dmin = code.dmin;
  pack_scales_and_mins(code, block.scales);
  pack_nibbles(code.q, block.qs);
}

void pack(const AffineCode& code, BlockQ5_K& block) {
  block.d = code.d;
  block.dmin = code.dmin;
  pack_scales_and_mins(code, block.scales);
  pack_nibbles(code.q, block.qs);
  pack_bits(code.q, 0, 4, block.qh);
}

void pack(const ScaleCode& code, BlockQ3_K& block) {
  block.d = code.d;
  for (int j = 0; j < 4; ++j) {
    const int s[4] = {code.scale[j] + 32, code.scale[j + 4] + 32, code.scale[j + 8] + 32, code.scale[j + 12] + 32};
    block.scales[j] = static_cast<uint8_t>((s[0] & 0x0f) | ((s[2] & 0x0f) << 4));
    block.scales[j + 4] = static_cast<uint8_t>((s[1] & 0x0f) | ((s[3] & 0x0f) << 4));
    block.scales[j + 8] =
        static_cast<uint8_t>((s[0] >> 4) | ((s[1] >> 4) << 2) | ((s[2] >> 4) << 4) | ((s[3] >> 4) << 6));
  }
  pack_pairs_of_bits(code.q, 4, 0, block.qs);
  pack_bits(code.q, 4, 2, block.hmask);
}

void pack(const ScaleCode& code, BlockQ6_K& block) {
  block.d = code.d;
  for (int j = 0; j < 16; ++j) block.scales[j] = code.scale[j];
  for (int i = 0; i < 128; ++i) {
    const int8_t* pair = code.q + 128 * (i / 64) + i % 64;
    block.ql[i] = static_cast<uint8_t>(((pair[0] + 32) & 0x0f) | (((pair[64] + 32) & 0x0f) << 4));
  }
  pack_pairs_of_bits(code.q, 32, 4, block.qh);
}

// `fit` finds the code of a block.
template <typename Block, typename Fit>
void encode_blocks(const float* values, const float* importance, void* blocks, int64_t n, Emphasis emphasis, Fit fit) {
  auto* block = static_cast<Block*>(blocks);
  BlockInput input;
  for (int64_t i = 0; i < n; i += kSize, ++block) {
    load_block(values + i, importance == nullptr ? nullptr : importance + i, kSize, input, emphasis);
    pack(fit(input), *block);
  }
}

}  // namespace

void encode_q2_k(const float* values, const float* importance, void* blocks, int64_t n) {
  constexpr AffineLayout kLayout{16, 16, 3.0f, 15};
  encode_blocks<BlockQ2_K>(values, importance, blocks, n, Emphasis::kLargeValues,
                           [&](const BlockInput& input) { return fit_two_levels(input, kLayout); });
}

void encode_q3_k(const float* values, const float* importance, void* blocks, int64_t n) {
  constexpr IntegerGrid kGrid{-4.0f, 3.0f};
  constexpr ScaleLayout kLayout{16, 16, -32, 31};
  encode_blocks<BlockQ3_K>(values, importance, blocks, n, Emphasis::kLargeValues,
                           [&](const BlockInput& input) { return fit_two_levels(input, kGrid, kLayout); });
}

void encode_q4_k(const float* values, const float* importance, void* blocks, int64_t n) {
  constexpr AffineLayout kLayout{8, 32, 15.0f, 63};
  encode_blocks<BlockQ4_K>(values, importance, blocks, n, Emphasis::kLargeValues,
                           [&](const BlockInput& input) { return fit_two_levels(input, kLayout); });
}

void encode_q5_k(const float* values, const float* importance, void* blocks, int64_t n) {
  constexpr AffineLayout kLayout{8, 32, 31.0f, 63};
  encode_blocks<BlockQ5_K>(values, importance, blocks, n, Emphasis::kLargeValues,
                           [&](const BlockInput& input) { return fit_two_levels(input, kLayout); });
}

void encode_q6_k(const float* values, const float* importance, void* blocks, int64_t n) {
  constexpr IntegerGrid kGrid{-32.0f, 31.0f};
  constexpr ScaleLayout kLayout{16, 16, -128, 127};
  encode_blocks<BlockQ6_K>(values, importance, blocks, n, Emphasis::kNone,
                           [&](const BlockInput& input) { return fit_two_levels(input, kGrid, kLayout); });
}

}  // namespace ondol
