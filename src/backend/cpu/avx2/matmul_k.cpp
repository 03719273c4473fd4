// Products of weights in blocks of 256.
#include "backend/cpu/avx2/lanes.h"
#include "backend/cpu/matmul_kernels.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_k.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"

#include "backend/cpu/lanes/types.inl"

#include "backend/cpu/lanes/group.inl"

#include "backend/cpu/lanes/formats_k.inl"

#include "backend/cpu/lanes/tiles.inl"

#include "backend/cpu/lanes/products.inl"

namespace ondol::cpu::avx2 {

const LanesType kQ2_K = lanes_type<Q2_K>();
const LanesType kQ3_K = lanes_type<Q3_K>();
const LanesType kQ4_K = lanes_type<Q4_K>();
const LanesType kQ5_K = lanes_type<Q5_K>();
const LanesType kQ6_K = lanes_type<Q6_K>();

}  // namespace ondol::cpu::avx2
