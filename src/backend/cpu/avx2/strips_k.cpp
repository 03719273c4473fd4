// Products of weights in blocks of 256 and few columns.
#include "backend/cpu/avx2/strips.h"
#include "backend/cpu/matmul_kernels.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_k.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"

#include "backend/cpu/strips/types.inl"

#include "backend/cpu/strips/stretch.inl"

#include "backend/cpu/strips/formats_k.inl"

#include "backend/cpu/strips/products.inl"

namespace ondol::cpu::avx2 {

const StripsType kStripsQ2_K = strips_type<Q2_K>();
const StripsType kStripsQ3_K = strips_type<Q3_K>();
const StripsType kStripsQ4_K = strips_type<Q4_K>();
const StripsType kStripsQ5_K = strips_type<Q5_K>();
const StripsType kStripsQ6_K = strips_type<Q6_K>();

}  // namespace ondol::cpu::avx2
