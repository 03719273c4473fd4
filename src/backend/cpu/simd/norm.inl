// Norms and rotary embedding. The including file has read vec.h.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// The sum of f(x[i]), in four sums that run side by side.
template <typename Function>
inline float sum_of(const float* x, int64_t n, Function f) {
  F sums[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) sums[j] = sums[j] + f(load(x + i + j * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) sums[0] = sums[0] + f(load(x + i));
  float rest = 0;
  for (; i < n; ++i) {
    float lanes[kLanes];
    store(lanes, f(splat(x[i])));
    rest += lanes[0];
  }
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
}

}  // namespace

void rms_norm(const float* x, const float* weight, float epsilon, float* out, int64_t n) {
  const float squares = sum_of(x, n, [](F value) { return value * value; });
  const float factor = 1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + epsilon);
  const F factors = splat(factor);
  int64_t i = 0;
  if (weight == nullptr) {
    for (; i + kLanes <= n; i += kLanes) store(out + i, load(x + i) * factors);
    for (; i < n; ++i) out[i] = x[i] * factor;
    return;
  }
  for (; i + kLanes <= n; i += kLanes) store(out + i, load(x + i) * factors * load(weight + i));
  for (; i < n; ++i) out[i] = x[i] * factor * weight[i];
}

void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, float* out, int64_t n) {
  const float mean = sum_of(x, n, [](F value) { return value; }) / static_cast<float>(n);
  const F means = splat(mean);
  const float squares = sum_of(x, n, [=](F value) { return (value - means) * (value - means); });
  const float factor = 1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + epsilon);
  const F factors = splat(factor);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    F value = (load(x + i) - means) * factors;
    if (weight != nullptr) value = value * load(weight + i);
    if (bias != nullptr) value = value + load(bias + i);
    store(out + i, value);
  }
  for (; i < n; ++i) {
    float value = (x[i] - mean) * factor;
    if (weight != nullptr) value *= weight[i];
    if (bias != nullptr) value += bias[i];
    out[i] = value;
  }
}

void rope_halves(float* a, float* b, const float* cosines, const float* sines, int n_pairs) {
  int i = 0;
  for (; i + kLanes <= n_pairs; i += kLanes) {
    const F first = load(a + i);
    const F second = load(b + i);
    const F cosine = load(cosines + i);
    const F sine = load(sines + i);
    store(a + i, first * cosine - second * sine);
    store(b + i, fma(first, sine, second * cosine));
  }
  for (; i < n_pairs; ++i) {
    const float first = a[i];
    const float second = b[i];
    a[i] = first * cosines[i] - second * sines[i];
    b[i] = first * sines[i] + second * cosines[i];
  }
}

void rope_interleaved(float* x, const float* cosines, const float* sines, int n_pairs) {
  int i = 0;
  for (; i + kLanes <= n_pairs; i += kLanes) rotate_pairs(x + 2 * i, load(cosines + i), load(sines + i));
  for (; i < n_pairs; ++i) {
    const float first = x[2 * i];
    const float second = x[2 * i + 1];
    x[2 * i] = first * cosines[i] - second * sines[i];
    x[2 * i + 1] = first * sines[i] + second * cosines[i];
  }
}

}  // namespace ondol::cpu::ONDOL_ISA
