// What every forward pass does with a Batch before and after the layers.
#pragma once

#include <vector>

#include "models/model.h"
#include "nn/linear.h"
#include "nn/rope.h"

namespace ondol {

/// Which rows of a batch use which adapters, for Context; slices that name none use those of `otherwise`.
std::vector<AdapterRows> adapter_rows(const Batch& batch, std::span<const AdapterUse> otherwise = {});

/// The slices of a batch in the forms that layers take.
struct BatchRows {
  explicit BatchRows(const Batch& batch);

  std::vector<KvSlice> slices;
  std::vector<PositionRun> positions;
};

}  // namespace ondol
