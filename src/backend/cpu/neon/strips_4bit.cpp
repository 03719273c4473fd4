// Products of weights whose four bits choose from a table and few columns.
#include "backend/cpu/matmul_kernels.h"
#include "backend/cpu/neon/strips.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"

#include "backend/cpu/strips/types.inl"

#include "backend/cpu/strips/stretch.inl"

#include "backend/cpu/lanes/levels.inl"

#include "backend/cpu/strips/formats_4bit.inl"

#include "backend/cpu/strips/products.inl"

namespace ondol::cpu::neon {

const StripsType kStripsIQ4_NL = strips_type<IQ4_NL>();
const StripsType kStripsIQ4_XS = strips_type<IQ4_XS>();
const StripsType kStripsMXFP4 = strips_type<MXFP4>();

}  // namespace ondol::cpu::neon
