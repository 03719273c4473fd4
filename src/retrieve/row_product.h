// The product of two rows of Q8_0 (vector_rows.h), one pair at a time, as walking a graph needs it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ondol {

/// `n_blocks` are the blocks of 32 numbers of each row.
using RowProduct = float (*)(const uint8_t* a, const uint8_t* b, size_t n_blocks);

/// In plain code, and the best one for this processor. They differ by rounding.
float plain_row_product(const uint8_t* a, const uint8_t* b, size_t n_blocks);
RowProduct best_row_product();

}  // namespace ondol
