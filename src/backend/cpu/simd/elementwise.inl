// Elementwise kernels, written once over the vectors of an instruction set's vec.h, which the including file has read.
namespace ondol::cpu::ONDOL_ISA {

float dot(const float* a, const float* b, int64_t n) {
  F sums[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) sums[j] = fma(load(a + i + j * kLanes), load(b + i + j * kLanes), sums[j]);
  }
  for (; i + kLanes <= n; i += kLanes) sums[0] = fma(load(a + i), load(b + i), sums[0]);
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    sums[1] = fma(load_part(a + i, rest), load_part(b + i, rest), sums[1]);
  }
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

void add(float* x, const float* y, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(x + i, load(x + i) + load(y + i));
  for (; i < n; ++i) x[i] += y[i];
}

void add_scaled(float* x, const float* y, float factor, int64_t n) {
  const F factors = splat(factor);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(x + i, fma(factors, load(y + i), load(x + i)));
  for (; i < n; ++i) x[i] = __builtin_fmaf(factor, y[i], x[i]);
}

void scale(float* x, float factor, int64_t n) {
  const F factors = splat(factor);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(x + i, load(x + i) * factors);
  for (; i < n; ++i) x[i] *= factor;
}

}  // namespace ondol::cpu::ONDOL_ISA
