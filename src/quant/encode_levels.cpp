// Encoders of the formats with unevenly spaced levels: IQ4_NL, IQ4_XS, MXFP4, NVFP4.
#include <algorithm>
#include <cmath>

#include "quant/block_input.h"
#include "quant/half.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"
#include "quant/nvfp4.h"
#include "quant/two_level_search.h"

namespace ondol {
namespace {

constexpr LevelGrid kIq4Grid = level_grid(kIq4Levels);

// FP4, doubled, and the code of each level.
constexpr LevelGrid kFp4Grid = level_grid({-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12});
constexpr uint8_t kFp4Codes[] = {15, 14, 13, 12, 11, 10, 9, 0, 1, 2, 3, 4, 5, 6, 7};

// `n` / 2 bytes: the first half of the elements in the low nibbles.
void pack_nibbles(const int8_t* codes, int n, uint8_t* qs) {
  for (int i = 0; i < n / 2; ++i) qs[i] = static_cast<uint8_t>(codes[i] | (codes[i + n / 2] << 4));
}

void round_to_fp4(const Weighted& values, float scale, uint8_t* qs) {
  int8_t q[32];
  round_to_grid(values, kFp4Grid, scale, q);
  for (int i = 0; i < values.n; ++i) q[i] = static_cast<int8_t>(kFp4Codes[q[i]]);
  pack_nibbles(q, values.n, qs);
}

void encode_block(const BlockInput& input, BlockIQ4_NL& block) {
  const Weighted values = input.all();
  const uint16_t half = half_of(input, fit_scale(values, kIq4Grid).scale);
  block.d = half_around(half, lanes_argmin(scale_error(values, kIq4Grid, scales_around(input, half))));
  int8_t q[32];
  round_to_grid(values, kIq4Grid, scale_of(input, block.d), q);
  pack_nibbles(q, 32, block.qs);
}

void encode_block(const BlockInput& input, BlockIQ4_XS& block) {
  constexpr ScaleLayout kLayout{8, 32, -32, 31};
  const ScaleCode code = fit_two_levels(input, kIq4Grid, kLayout);
  block.d = code.d;
  int high = 0;
  for (int j = 0; j < 8; ++j) high |= ((code.scale[j] + 32) >> 4) << (2 * j);
  block.scales_h = static_cast<uint16_t>(high);
  for (int j = 0; j < 4; ++j) {
    const int even = (code.scale[2 * j] + 32) & 0x0f;
    const int odd = (code.scale[2 * j + 1] + 32) & 0x0f;
    block.scales_l[j] = static_cast<uint8_t>(even | (odd << 4));
  }
  for (int j = 0; j < 8; ++j) pack_nibbles(code.q + 32 * j, 32, block.qs + 16 * j);
}

// The largest magnitude lies between 1 and 2 units, so in units its exponent is 0, and 4 or 6 fall on it with the
// scales 1/4 and 1/2 (kept halved for doubled levels).
void encode_block(const BlockInput& input, BlockMXFP4& block) {
  const int unit_exponent = std::ilogb(input.unit);
  int e[4];
  Lanes scale{};
  for (int k = 0; k < 4; ++k) {
    e[k] = std::clamp(127 + unit_exponent - 4 + k, 0, 254);
    scale[k] = e8m0_half_to_f32(static_cast<uint8_t>(e[k])) * input.inverse_unit;
  }
  const int best = lanes_argmin(scale_error(input.all(), kFp4Grid, scale));
  block.e = static_cast<uint8_t>(e[best]);
  round_to_fp4(input.all(), scale[best], block.qs);
}

// Every sub-block tries all scales from a little above the one that reaches its largest magnitude down to half of it.
void encode_block(const BlockInput& input, BlockNVFP4& block) {
  constexpr int kAbove = 3;
  constexpr int kTried = 12;
  for (int j = 0; j < 4; ++j) {
    const Weighted values = input.part(16 * j, 16);
    float largest = 0.0f;
    for (int i = 0; i < 16; ++i) largest = std::max(largest, std::fabs(values.x[i]));
    const int top = f32_to_ue4m3(largest * input.unit / 6.0f) + kAbove;
    float best = INFINITY;
    float best_scale = 0.0f;
    for (int first = 0; first < kTried; first += 4) {
      int codes[4];
      Lanes scale{};
      for (int k = 0; k < 4; ++k) {
        codes[k] = std::clamp(top - first - k, 0, 0x7e);
        scale[k] = ue4m3_half_to_f32(static_cast<uint8_t>(codes[k])) * input.inverse_unit;
      }
      const Lanes error = scale_error(values, kFp4Grid, scale);
      const int lane = lanes_argmin(error);
      if (error[lane] >= best) continue;
      best = error[lane];
      best_scale = scale[lane];
      block.d[j] = static_cast<uint8_t>(codes[lane]);
    }
    round_to_fp4(values, best_scale, block.qs + 8 * j);
  }
}

template <typename Block, int kSize>
void encode_blocks(const float* values, const float* importance, void* blocks, int64_t n) {
  auto* block = static_cast<Block*>(blocks);
  BlockInput input;
  for (int64_t i = 0; i < n; i += kSize, ++block) {
    load_block(values + i, importance == nullptr ? nullptr : importance + i, kSize, input);
    encode_block(input, *block);
  }
}

}  // namespace

void encode_iq4_nl(const float* values, const float* importance, void* blocks, int64_t n) {
  encode_blocks<BlockIQ4_NL, 32>(values, importance, blocks, n);
}

void encode_iq4_xs(const float* values, const float* importance, void* blocks, int64_t n) {
  encode_blocks<BlockIQ4_XS, 256>(values, importance, blocks, n);
}

void encode_mxfp4(const float* values, const float* importance, void* blocks, int64_t n) {
  encode_blocks<BlockMXFP4, 32>(values, importance, blocks, n);
}

void encode_nvfp4(const float* values, const float* importance, void* blocks, int64_t n) {
  encode_blocks<BlockNVFP4, 64>(values, importance, blocks, n);
}

}  // namespace ondol
