#include "backend/cpu/kernels.h"

#define ONDOL_ISA avx2
#include "backend/cpu/simd/slots.inl"

namespace ondol::cpu::avx2 {

const CpuKernels kKernels = {
    .name = "avx2",
    .level = IsaLevel::kAvx2,
    .features = kAvx2,
    .dot = dot,
    .add = add,
    .add_scaled = add_scaled,
    .scale = scale,
    .softcap = nullptr,
    .activate = nullptr,
    .gated_unit = nullptr,
    .softmax = nullptr,
    .sigmoid = nullptr,
    .rms_norm = nullptr,
    .layer_norm = nullptr,
    .rope_halves = nullptr,
    .rope_interleaved = nullptr,
    .kv_encode = nullptr,
    .attention = nullptr,
};

}  // namespace ondol::cpu::avx2
