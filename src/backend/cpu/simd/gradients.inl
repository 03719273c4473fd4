// Gradients of elementwise operations (backend/cpu/gradients.h has the formulas), and the rounding of what is kept for
// them. The including file has read vec.h.
namespace ondol::cpu::ONDOL_ISA {

void rms_norm_gradient(const float* x, const float* weight, float epsilon, float* dy, int64_t n) {
  F squares[2] = {zero(), zero()};
  F products[2] = {zero(), zero()};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    for (int j = 0; j < 2; ++j) {
      const F value = load(x + i + j * kLanes);
      F gradient = load(dy + i + j * kLanes);
      if (weight != nullptr) gradient = gradient * load(weight + i + j * kLanes);
      squares[j] = fma(value, value, squares[j]);
      products[j] = fma(value, gradient, products[j]);
    }
  }
  float square = sum(squares[0] + squares[1]);
  float product = sum(products[0] + products[1]);
  for (; i < n; ++i) {
    square += x[i] * x[i];
    product += x[i] * dy[i] * (weight == nullptr ? 1.0f : weight[i]);
  }
  const float factor = 1.0f / __builtin_sqrtf(square / static_cast<float>(n) + epsilon);
  const float pull = factor * factor * factor * product / static_cast<float>(n);
  const F factors = splat(factor);
  const F pulls = splat(pull);
  for (i = 0; i + kLanes <= n; i += kLanes) {
    F gradient = load(dy + i) * factors;
    if (weight != nullptr) gradient = gradient * load(weight + i);
    store(dy + i, gradient - pulls * load(x + i));
  }
  for (; i < n; ++i) dy[i] = factor * dy[i] * (weight == nullptr ? 1.0f : weight[i]) - pull * x[i];
}

void silu_gate_gradient(const float* gate, const float* sigmoids, const float* up, float* dy, float* dup, int64_t n) {
  const F ones = splat(1.0f);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const F s = load(sigmoids + i);
    const F silu = load(gate + i) * s;
    const F gradient = load(dy + i);
    store(dup + i, fma(gradient, silu, load(dup + i)));
    store(dy + i, gradient * load(up + i) * fma(silu, ones - s, s));
  }
  for (; i < n; ++i) {
    const float silu = gate[i] * sigmoids[i];
    dup[i] += dy[i] * silu;
    dy[i] *= up[i] * (sigmoids[i] + silu * (1.0f - sigmoids[i]));
  }
}

// Plain loops, of which the compiler makes vectors.

void to_bf16(const float* __restrict from, uint16_t* __restrict to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, from[i]);
    to[i] = static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
  }
}

void from_bf16(const uint16_t* __restrict from, float* __restrict to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = __builtin_bit_cast(float, static_cast<uint32_t>(from[i]) << 16);
}

}  // namespace ondol::cpu::ONDOL_ISA
