// Products of weights in blocks of 32 and few columns.
#include "backend/cpu/matmul_kernels.h"
#include "backend/cpu/neon/strips.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q8_0.h"

#include "backend/cpu/strips/types.inl"

#include "backend/cpu/strips/stretch.inl"

#include "backend/cpu/strips/formats_32.inl"

#include "backend/cpu/strips/products.inl"

namespace ondol::cpu::neon {

const StripsType kStripsQ4_0 = strips_type<Q4_0>();
const StripsType kStripsQ4_1 = strips_type<Q4_1>();
const StripsType kStripsQ5_0 = strips_type<Q5_0>();
const StripsType kStripsQ5_1 = strips_type<Q5_1>();
const StripsType kStripsQ8_0 = strips_type<Q8_0>();

}  // namespace ondol::cpu::neon
