// Products of weights in blocks of 256, with i8mm.
#define ONDOL_ISA neon_i8mm
#include "backend/cpu/matmul_kernels.h"
#include "backend/cpu/neon/lanes.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_k.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"

#include "backend/cpu/lanes/types.inl"

#include "backend/cpu/lanes/group.inl"

#include "backend/cpu/lanes/formats_k.inl"

#include "backend/cpu/neon/pairs.inl"

namespace ondol::cpu::neon_i8mm {

const LanesType kQ2_K = pairs_type<Q2_K>();
const LanesType kQ3_K = pairs_type<Q3_K>();
const LanesType kQ4_K = pairs_type<Q4_K>();
const LanesType kQ5_K = pairs_type<Q5_K>();
const LanesType kQ6_K = pairs_type<Q6_K>();

}  // namespace ondol::cpu::neon_i8mm
