// The table of products.
#include "backend/cpu/matmul_kernels.h"

#define ONDOL_ISA avx2
#include "backend/cpu/lanes/slots.inl"

#include "backend/cpu/lanes/types.inl"

#include "backend/cpu/lanes/type_of.inl"

#include "backend/cpu/strips/types.inl"

#include "backend/cpu/strips/type_of.inl"

namespace ondol::cpu::avx2 {

const CoarseKernels kCoarse = {
    .round = round_coarse_columns,
    .round_row = round_coarse_row,
    .round_turned_x = round_turned_x,
    .pack_turned_f32 = pack_turned_f32,
    .pack_turned_bf16 = pack_turned_bf16,
    .multiply_panels = multiply_coarse_panels,
};

const MatmulKernels kMatmul = {
    .round = round_columns,
    .f32 = multiply_f32,
    .f16 = multiply_f16,
    .bf16 = multiply_bf16,
    .decode_f16 = decode_f16,
    .decode_bf16 = decode_bf16,
    .lanes_type = lanes_type_of,
    .coarse = &kCoarse,
    .few = kFew,
    .strips_type = strips_type_of,
};

}  // namespace ondol::cpu::avx2
