// The table of products, with i8mm.
#include "backend/cpu/matmul_kernels.h"

#define ONDOL_ISA neon
#include "backend/cpu/lanes/slots.inl"

#include "backend/cpu/strips/types.inl"

#include "backend/cpu/strips/type_of.inl"

#undef ONDOL_ISA
#define ONDOL_ISA neon_i8mm
#include "backend/cpu/neon/lanes.h"

#include "backend/cpu/lanes/slots.inl"

#include "backend/cpu/lanes/types.inl"

#include "backend/cpu/lanes/type_of.inl"

namespace ondol::cpu::neon_i8mm {

const MatmulKernels kMatmul = {
    .round = round_columns,
    .x_run = kXRun,
    .f32 = neon::multiply_f32,
    .f16 = neon::multiply_f16,
    .bf16 = neon::multiply_bf16,
    .decode_f16 = neon::decode_f16,
    .decode_bf16 = neon::decode_bf16,
    .lanes_type = lanes_type_of,
    .few = 1,
    .strips_type = neon::strips_type_of,
};

}  // namespace ondol::cpu::neon_i8mm
