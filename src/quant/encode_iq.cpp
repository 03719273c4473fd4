// Encoders of the formats with codebooks: IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S (magnitudes with signs) and IQ1_S,
// IQ1_M
// (-1, 0, 1 with offsets).
#include "quant/block_input.h"
#include "quant/codebook_search.h"
#include "quant/iq1_m.h"
#include "quant/iq1_s.h"
#include "quant/iq2_s.h"
#include "quant/iq2_xs.h"
#include "quant/iq2_xxs.h"
#include "quant/iq3_s.h"
#include "quant/iq3_xxs.h"

namespace ondol {
namespace {

constexpr int kSize = 256;

// The signs of elements 8 * k and on, without the last.
uint32_t seven_signs(const CodebookCode& code, int k) {
  return code.signs[k] & 127u;
}

void store_u32(uint32_t value, uint8_t* out) {
  __builtin_memcpy(out, &value, 4);
}

// Two scales of 4 bits to a byte.
void pack_scales(const CodebookCode& code, int count, uint8_t* scales) {
  for (int j = 0; j < count / 2; ++j)
    scales[j] = static_cast<uint8_t>(code.scale[2 * j] | (code.scale[2 * j + 1] << 4));
}

void pack(const CodebookCode& code, BlockIQ2_XXS& block) {
  block.d = code.d;
  for (int j = 0; j < 8; ++j) {
    const SubBlockCode& sub = code.sub[j];
    uint32_t packed = static_cast<uint32_t>(code.scale[j]) << 28;
    for (int k = 0; k < 4; ++k) {
      block.qs[8 * j + k] = static_cast<uint8_t>(sub.index[k]);
      packed |= seven_signs(code, 4 * j + k) << (7 * k);
    }
    store_u32(packed, block.qs + 8 * j + 4);
  }
}

void pack(const CodebookCode& code, BlockIQ2_XS& block) {
  block.d = code.d;
  pack_scales(code, 16, block.scales);
  for (int k = 0; k < 32; ++k) {
    const SubBlockCode& sub = code.sub[k / 2];
    block.qs[k] = static_cast<uint16_t>(sub.index[k % 2] | (seven_signs(code, k) << 9));
  }
}

void pack(const CodebookCode& code, BlockIQ2_S& block) {
  block.d = code.d;
  pack_scales(code, 16, block.scales);
  for (int i = 0; i < 8; ++i) {
    int high = 0;
    for (int k = 4 * i; k < 4 * i + 4; ++k) {
      const SubBlockCode& sub = code.sub[k / 2];
      block.qs[k] = static_cast<uint8_t>(sub.index[k % 2] & 255);
      block.signs[k] = code.signs[k];
      high |= (sub.index[k % 2] >> 8) << (2 * (k % 4));
    }
    block.qh[i] = static_cast<uint8_t>(high);
  }
}

void pack(const CodebookCode& code, BlockIQ3_XXS& block) {
  block.d = code.d;
  for (int j = 0; j < 8; ++j) {
    const SubBlockCode& sub = code.sub[j];
    for (int k = 0; k < 8; ++k) block.qs[8 * j + k] = static_cast<uint8_t>(sub.index[k]);
    uint32_t packed = static_cast<uint32_t>(code.scale[j]) << 28;
    for (int k = 0; k < 4; ++k) packed |= seven_signs(code, 4 * j + k) << (7 * k);
    store_u32(packed, block.scales_signs + 4 * j);
  }
}

void pack(const CodebookCode& code, BlockIQ3_S& block) {
  block.d = code.d;
  pack_scales(code, 8, block.scales);
  for (int j = 0; j < 8; ++j) {
    const SubBlockCode& sub = code.sub[j];
    int high = 0;
    for (int k = 0; k < 8; ++k) {
      block.qs[8 * j + k] = static_cast<uint8_t>(sub.index[k] & 255);
      high |= (sub.index[k] >> 8) << k;
    }
    block.qh[j] = static_cast<uint8_t>(high);
    for (int k = 0; k < 4; ++k) block.signs[4 * j + k] = code.signs[4 * j + k];
  }
}

void pack(const CodebookCode& code, BlockIQ1_S& block) {
  block.d = code.d;
  for (int j = 0; j < 8; ++j) {
    const SubBlockCode& sub = code.sub[j];
    int packed = (code.scale[j] << 12) | (sub.minus[0] ? 0x8000 : 0);
    for (int k = 0; k < 4; ++k) {
      block.qs[4 * j + k] = static_cast<uint8_t>(sub.index[k] & 255);
      packed |= (sub.index[k] >> 8) << (3 * k);
    }
    block.qh[j] = static_cast<uint16_t>(packed);
  }
}

void pack(const CodebookCode& code, BlockIQ1_M& block) {
  for (int j = 0; j < 16; ++j) {
    const SubBlockCode& sub = code.sub[j];
    int high = 0;
    for (int k = 0; k < 2; ++k) {
      block.qs[2 * j + k] = static_cast<uint8_t>(sub.index[k] & 255);
      const int minus = sub.minus[k];
      high |= ((sub.index[k] >> 8) | (minus << 3)) << (4 * k);
    }
    block.qh[j] = static_cast<uint8_t>(high);
  }
  for (int i = 0; i < 4; ++i) {
    int word = ((code.d >> (4 * i)) & 15) << 12;
    for (int k = 0; k < 4; ++k) word |= code.scale[4 * i + k] << (3 * k);
    block.scales[i] = static_cast<uint16_t>(word);
  }
}

template <typename Block>
void encode_blocks(const float* values, const float* importance, void* blocks, int64_t n,
                   const CodebookLayout& layout) {
  auto* block = static_cast<Block*>(blocks);
  BlockInput input;
  for (int64_t i = 0; i < n; i += kSize, ++block) {
    load_block(values + i, importance == nullptr ? nullptr : importance + i, kSize, input);
    pack(fit_codebook(input, layout), *block);
  }
}

}  // namespace

void encode_iq2_xxs(const float* values, const float* importance, void* blocks, int64_t n) {
  const CodebookLayout layout{iq2_xxs_codebook(), 32, Signs::Even, Offsets::None, 0.125f, 16};
  encode_blocks<BlockIQ2_XXS>(values, importance, blocks, n, layout);
}

void encode_iq2_xs(const float* values, const float* importance, void* blocks, int64_t n) {
  const CodebookLayout layout{iq2_xs_codebook(), 16, Signs::Even, Offsets::None, 0.125f, 16};
  encode_blocks<BlockIQ2_XS>(values, importance, blocks, n, layout);
}

void encode_iq2_s(const float* values, const float* importance, void* blocks, int64_t n) {
  const CodebookLayout layout{iq2_s_codebook(), 16, Signs::Free, Offsets::None, 0.125f, 16};
  encode_blocks<BlockIQ2_S>(values, importance, blocks, n, layout);
}

void encode_iq3_xxs(const float* values, const float* importance, void* blocks, int64_t n) {
  const CodebookLayout layout{iq3_xxs_codebook(), 32, Signs::Even, Offsets::None, 0.25f, 16};
  encode_blocks<BlockIQ3_XXS>(values, importance, blocks, n, layout);
}

void encode_iq3_s(const float* values, const float* importance, void* blocks, int64_t n) {
  const CodebookLayout layout{iq3_s_codebook(), 32, Signs::Free, Offsets::None, 1.0f, 16};
  encode_blocks<BlockIQ3_S>(values, importance, blocks, n, layout);
}

void encode_iq1_s(const float* values, const float* importance, void* blocks, int64_t n) {
  const CodebookLayout layout{iq1_codebook(), 32, Signs::InCodebook, Offsets::PerSubBlock, 1.0f, 8};
  encode_blocks<BlockIQ1_S>(values, importance, blocks, n, layout);
}

void encode_iq1_m(const float* values, const float* importance, void* blocks, int64_t n) {
  const CodebookLayout layout{iq1_codebook(), 16, Signs::InCodebook, Offsets::PerGroup, 1.0f, 8};
  encode_blocks<BlockIQ1_M>(values, importance, blocks, n, layout);
}

}  // namespace ondol
