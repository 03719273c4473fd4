// Products of weights whose four bits choose from a table.
#include "backend/cpu/avx512/lanes.h"
#include "backend/cpu/matmul_kernels.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"

#include "backend/cpu/lanes/types.inl"

#include "backend/cpu/lanes/group.inl"

#include "backend/cpu/lanes/levels.inl"

#include "backend/cpu/lanes/formats_4bit.inl"

#include "backend/cpu/lanes/tiles.inl"

#include "backend/cpu/lanes/products.inl"

namespace ondol::cpu::avx512 {

const LanesType kIQ4_NL = lanes_type<IQ4_NL>();
const LanesType kIQ4_XS = lanes_type<IQ4_XS>();
const LanesType kMXFP4 = lanes_type<MXFP4>();

}  // namespace ondol::cpu::avx512
