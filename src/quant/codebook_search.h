// The search for the code of an IQ block: codebook entries for its groups, small odd multiples of a super-scale for its
// sub-blocks.
//
// As in two_level_search.h, sub-blocks are fitted on their own first, then the two levels of scales to each other.
#pragma once

#include <cstdint>

#include "quant/block_input.h"
#include "quant/codebook.h"

namespace ondol {

/// Where the signs of the elements come from.
enum class Signs {
  InCodebook,
  Free,
  Even,  // of every 8, an even number is negative
};

/// What is added to the numbers of an entry.
enum class Offsets {
  None,
  PerSubBlock,  // 1/8 or -1/8, the same for all groups of a sub-block
  PerGroup,
};

/// A scale is unit * d * (1, 3 .. 2 * n_scales - 1).
struct CodebookLayout {
  const Codebook& codebook;
  int sub_block;  // elements that share a scale: 16 or 32
  Signs signs;
  Offsets offsets;
  float unit;
  int n_scales;
};

/// A sub-block for one scale: entry and offset of each group, the error, and the sums from which a better scale
/// follows.
struct SubBlockCode {
  uint16_t index[8];
  bool minus[8];  // the offset is -1/8
  float error;
  float eq;
  float qq;
};

struct CodebookCode {
  uint16_t d;
  uint8_t scale[kMaxBlockSize / 16];
  uint8_t signs[kMaxBlockSize / 8];  // bit i: element i of 8 is negative
  SubBlockCode sub[kMaxBlockSize / 16];
};

/// Finds the code of a block of 256. Takes the signs off `input`, if they are not in the codebook.
CodebookCode fit_codebook(BlockInput& input, const CodebookLayout& layout);

}  // namespace ondol
