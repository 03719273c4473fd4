// Products of weights in blocks of 32.
#define ONDOL_ISA avx2_vnni
#include "backend/cpu/avx2/lanes.h"
#include "backend/cpu/matmul_kernels.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q8_0.h"

#include "backend/cpu/lanes/types.inl"

#include "backend/cpu/lanes/group.inl"

#include "backend/cpu/lanes/formats_32.inl"

#include "backend/cpu/lanes/tiles.inl"

#include "backend/cpu/lanes/products.inl"

#include "backend/cpu/lanes/turned.inl"

#include "backend/cpu/lanes/coarse.inl"

namespace ondol::cpu::avx2_vnni {

const LanesType kQ4_0 = lanes_type<Q4_0>();
const LanesType kQ4_1 = lanes_type<Q4_1>();
const LanesType kQ5_0 = lanes_type<Q5_0>();
const LanesType kQ5_1 = lanes_type<Q5_1>();
const LanesType kQ8_0 = lanes_type<Q8_0>();

}  // namespace ondol::cpu::avx2_vnni
