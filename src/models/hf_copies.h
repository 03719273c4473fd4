// Copies of weights in another layout: what cannot be a view. Each function returns memory of its own.
#pragma once

#include "base/result.h"
#include "tensor/tensor.h"

namespace ondol {

/// The same numbers as F32, from any type with a format, F64 or an integer type.
Result<OwnedTensor> to_f32(const Tensor& tensor);

/// [A, B] as [B, A], of a plain type.
Result<OwnedTensor> transposed(const Tensor& tensor);

/// [E, D, C] as [E, C / step, D]: of each matrix, the columns first, first + step, ... become rows. Plain types.
Result<OwnedTensor> transposed_columns(const Tensor& tensor, int64_t first, int64_t step);

/// Columns first, first + 2, ... of each row, as F32.
Result<OwnedTensor> every_second_column(const Tensor& tensor, int64_t first);

/// Rows first, first + step, ... of each expert, in GGUF's MXFP4. `blocks` is U8 [E, R, N, 16] or [E, R, N * 16], with
/// neighbours in the two nibbles of a byte, the first one low; `scales` is U8 [E, R, N]. The result is
/// [E, R / step, N * 32].
Result<OwnedTensor> mxfp4_rows(const Tensor& blocks, const Tensor& scales, int64_t first, int64_t step);

}  // namespace ondol
