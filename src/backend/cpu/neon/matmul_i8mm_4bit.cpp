// Products of weights whose four bits choose from a table, with i8mm.
#define ONDOL_ISA neon_i8mm
#include "backend/cpu/matmul_kernels.h"
#include "backend/cpu/neon/lanes.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"

#include "backend/cpu/lanes/types.inl"

#include "backend/cpu/lanes/group.inl"

#include "backend/cpu/lanes/levels.inl"

#include "backend/cpu/lanes/formats_4bit.inl"

#include "backend/cpu/neon/pairs.inl"

namespace ondol::cpu::neon_i8mm {

const LanesType kIQ4_NL = pairs_type<IQ4_NL>();
const LanesType kIQ4_XS = pairs_type<IQ4_XS>();
const LanesType kMXFP4 = pairs_type<MXFP4>();

}  // namespace ondol::cpu::neon_i8mm
