// exp, tanh and their kin for the vectors of vec.h. The polynomials are minimax fits (Remez) whose relative error is
// below 1e-7; the results' is below 1e-6 of the exact value, checked against double over the whole range.
namespace ondol::cpu::ONDOL_ISA {
namespace {

inline F exp(F x) {
  constexpr float kLog2e = 1.44269504f;
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  // Below, the result is no normal number and counts as zero; above, it stays at the largest.
  const F lowest = splat(-87.3f);
  const F within = min(max(x, lowest), splat(88.37f));
  const F n = nearest(within * splat(kLog2e));
  const F r = fma(n, splat(-kLn2Low), fma(n, splat(-kLn2High), within));
  F p = splat(1.3815404e-3f);
  p = fma(p, r, splat(8.3693480e-3f));
  p = fma(p, r, splat(4.1668408e-2f));
  p = fma(p, r, splat(1.6666515e-1f));
  p = fma(p, r, splat(4.9999994e-1f));
  p = fma(p * r, r, r + splat(1.0f));
  return if_less(x, lowest, zero(), times_power_of_two(p, n));
}

inline F sigmoid_of(F x) {
  return splat(1.0f) / (splat(1.0f) + exp(zero() - x));
}

inline F tanh(F x) {
  const F a = abs(x);
  const F z = x * x;
  F p = splat(-5.6838729e-3f);
  p = fma(p, z, splat(2.0622810e-2f));
  p = fma(p, z, splat(-5.3735692e-2f));
  p = fma(p, z, splat(1.3331409e-1f));
  p = fma(p, z, splat(-3.3333281e-1f));
  const F small = fma(p * z, a, a);
  const F large = splat(1.0f) - splat(2.0f) / (exp(a + a) + splat(1.0f));
  return with_sign_of(if_less(a, splat(0.625f), small, large), x);
}

/// x Phi(x) with the normal distribution's Phi, through erfc(a) = exp(-a^2) t poly(t) with t = 1 / (1 + 0.4 a).
inline F gelu_of(F x) {
  const F a = abs(x) * splat(0.70710678f);
  const F t = splat(1.0f) / fma(splat(0.4f), a, splat(1.0f));
  F p = splat(4.5968041e-2f);
  p = fma(p, t, splat(-1.6305853e-1f));
  p = fma(p, t, splat(1.3049680e-1f));
  p = fma(p, t, splat(3.5435010e-2f));
  p = fma(p, t, splat(1.1546877e-1f));
  p = fma(p, t, splat(1.7847991e-1f));
  p = fma(p, t, splat(2.0561044e-1f));
  p = fma(p, t, splat(2.2593676e-1f));
  p = fma(p, t, splat(2.2566289e-1f));
  const F tail = splat(0.5f) * t * p * exp(zero() - splat(0.5f) * x * x);
  return x * if_less(x, zero(), tail, splat(1.0f) - tail);
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
