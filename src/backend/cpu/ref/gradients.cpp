#include "backend/cpu/gradients.h"

#include "backend/cpu/ref/ref.h"
#include "quant/half.h"

namespace ondol::cpu::ref {

void rms_norm_gradient(const float* x, const float* weight, float epsilon, float* dy, int64_t n) {
  gradients::rms_norm(x, weight, epsilon, dy, n);
}

void silu_gate_gradient(const float* gate, const float* sigmoids, const float* up, float* dy, float* dup, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const float silu = gate[i] * sigmoids[i];
    dup[i] += dy[i] * silu;
    dy[i] *= up[i] * (sigmoids[i] + silu * (1.0f - sigmoids[i]));
  }
}

/// To nearest, without f32_to_bf16's care for NaN, as the other tables do.
void to_bf16(const float* from, uint16_t* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = f32_to_bits(from[i]);
    to[i] = static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
  }
}

void from_bf16(const uint16_t* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = bf16_to_f32(from[i]);
}

}  // namespace ondol::cpu::ref
