#include "models/batch.h"

#include <algorithm>

namespace ondol {

BatchRows::BatchRows(const Batch& batch) {
  for (const BatchSlice& slice : batch.slices) {
    const int end = slice.position + slice.n_rows;
    const int32_t* pages = slice.sequence == nullptr ? nullptr : slice.sequence->pages();
    slices.push_back({slice.first_row, slice.n_rows, slice.position, pages});
    positions.push_back({slice.n_rows, slice.position, std::max(end, slice.planned_length)});
  }
}

}  // namespace ondol
