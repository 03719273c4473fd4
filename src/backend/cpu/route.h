// Which experts a row uses, from its router logits.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "backend/cpu/kernels.h"

namespace ondol::cpu {

inline size_t route_scratch_floats(int n_experts) {
  return 5 * static_cast<size_t>(n_experts);
}

/// Writes the n_used ids and weights of one row, best first. `scratch` holds route_scratch_floats().
void route_row(const CpuKernels& kernels, const float* logits, int n_experts, const RouteParams& params, float* scratch,
               int32_t* ids, float* weights);

}  // namespace ondol::cpu
