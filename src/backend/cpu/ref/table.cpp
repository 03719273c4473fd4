#include "backend/cpu/ref/ref.h"

namespace ondol::cpu::ref {

const CpuKernels kKernels = {
    .name = "ref",
    .level = IsaLevel::kRef,
    .features = 0,
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

}  // namespace ondol::cpu::ref
