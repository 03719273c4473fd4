// Mixture of experts (Shazeer et al., 2017): a router picks a few experts for each row, whose results are summed by
// weight.
#pragma once

#include "nn/context.h"

namespace ondol {

struct MoeLayer {
  Weight router;  // [E, D]
  RouteParams route;
  Experts experts;
  GatedUnit unit;
};

/// residual += the layer's result for x [T, D].
void add_moe(Context& context, const Tensor& x, const MoeLayer& layer, Tensor residual);

}  // namespace ondol
