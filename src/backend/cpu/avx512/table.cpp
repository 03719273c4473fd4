#include "backend/cpu/kernels.h"

#define ONDOL_ISA avx512
#include "backend/cpu/simd/slots.inl"

namespace ondol::cpu::avx512 {

const CpuKernels kKernels = {
    .name = "avx512",
    .level = IsaLevel::kAvx512,
    .features = kAvx512,
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

namespace {

/// Everything but products of matrices is inherited.
constexpr CpuKernels with_amx() {
  CpuKernels kernels{};
  kernels.name = "amx";
  kernels.level = IsaLevel::kAmx;
  kernels.features = kAvx512 | kAmxBf16;
  return kernels;
}

}  // namespace

const CpuKernels kKernelsWithAmx = with_amx();

}  // namespace ondol::cpu::avx512
