#include "models/batch.h"

#include <algorithm>

namespace ondol {

std::vector<AdapterRows> adapter_rows(const Batch& batch, std::span<const AdapterUse> otherwise) {
  std::vector<AdapterRows> rows;
  for (const BatchSlice& slice : batch.slices) {
    const std::span<const AdapterUse> uses = slice.adapters.value_or(otherwise);
    for (const AdapterUse& use : uses) {
      // Neighbours with the same adapter share products.
      const bool joins = uses.size() == 1 && !rows.empty() && rows.back().use == use &&
                         rows.back().first_row + rows.back().n_rows == slice.first_row;
      if (joins) {
        rows.back().n_rows += slice.n_rows;
      } else {
        rows.push_back({use, slice.first_row, slice.n_rows});
      }
    }
  }
  return rows;
}

BatchRows::BatchRows(const Batch& batch) {
  for (const BatchSlice& slice : batch.slices) {
    const int end = slice.position + slice.n_rows;
    const int32_t* pages = slice.sequence == nullptr ? nullptr : slice.sequence->pages();
    slices.push_back({slice.first_row, slice.n_rows, slice.position, pages});
    positions.push_back({slice.n_rows, slice.position, std::max(end, slice.planned_length)});
  }
}

}  // namespace ondol
