#include "backend/cpu/kernels.h"

#define ONDOL_ISA neon
#include "backend/cpu/simd/slots.inl"

namespace ondol::cpu::neon {

const CpuKernels kKernels = {
    .name = "neon",
    .level = IsaLevel::kNeon,
    .features = kNeon,
    .dot = dot,
    .add = add,
    .add_scaled = add_scaled,
    .scale = scale,
    .softcap = softcap,
    .activate = activate,
    .gated_unit = gated_unit,
    .softmax = softmax,
    .sigmoid = sigmoid,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .rope_halves = rope_halves,
    .rope_interleaved = rope_interleaved,
    .rms_norm_gradient = rms_norm_gradient,
    .silu_gate_gradient = silu_gate_gradient,
    .to_bf16 = to_bf16,
    .from_bf16 = from_bf16,
    .hadamard = hadamard,
    .kv_encode = kv_encode,
    .attention = attention,
};

}  // namespace ondol::cpu::neon
