// QuantFormat: how rows of one DType become numbers and back. formats.h lists all of them.
//
// A format is a header quant/<name>.h with the block's layout and its decoder; the encoder is in the encode_*.cpp of
// its family. Every backend can multiply with any format by decoding it; fast kernels are optional.
#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace ondol {

struct QuantFormat {
  DType type;

  /// Decodes `n` elements (a multiple of the block size).
  void (*decode)(const void* blocks, float* out, int64_t n);

  /// Encodes one row of `n` elements (a multiple of the block size). `importance` (n weights >= 0, from an importance
  /// matrix, or nullptr) says how much a squared error in each column costs. Blocks are encoded independently; any
  /// value is accepted (block_input.h says what becomes of NaN and infinity). nullptr for formats that can only be
  /// read.
  void (*encode)(const float* values, const float* importance, void* blocks, int64_t n);
};

/// The format of `type`; CHECKs that has_format(type).
const QuantFormat& format_of(DType type);

/// Whether format_of may be asked for `type`: true for F32, F16, BF16 and every block type.
bool has_format(DType type);

}  // namespace ondol
