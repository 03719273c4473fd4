// Activations and gated units. The including file has read vec.h and math.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

template <Activation kActivation>
inline F activation_of(F x) {
  switch (kActivation) {
    case Activation::kSilu:
      return x / (splat(1.0f) + exp(zero() - x));
    case Activation::kGelu:
      return gelu_of(x);
    case Activation::kGeluTanh: {
      constexpr float kTwiceRoot = 1.59576912f;  // 2 sqrt(2 / pi)
      const F inner = x * fma(splat(0.044715f * kTwiceRoot) * x, x, splat(kTwiceRoot));
      return x / (splat(1.0f) + exp(zero() - inner));
    }
    case Activation::kGeluQuick:
      return x / (splat(1.0f) + exp(splat(-1.702f) * x));
    case Activation::kRelu:
      return max(x, zero());
    case Activation::kReluSquared: {
      const F positive = max(x, zero());
      return positive * positive;
    }
  }
}

/// out[i] = f(a[i], b[i]), with the vectors of the rest filled up by zeros.
template <typename Function>
inline void map(const float* a, const float* b, float* out, int64_t n, Function f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(a + i), load(b + i)));
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    store_part(out + i, f(load_part(a + i, rest), load_part(b + i, rest)), rest);
  }
}

template <Activation kActivation>
void activate_all(float* x, int64_t n) {
  map(x, x, x, n, [](F value, F) { return activation_of<kActivation>(value); });
}

template <Activation kActivation>
void gate_all(const float* gate, const float* up, float* out, int64_t n) {
  map(gate, up, out, n, [](F g, F u) { return activation_of<kActivation>(g) * u; });
}

void clamped_swiglu(const float* gate, const float* up, const GatedUnit& unit, float* out, int64_t n) {
  const F limit = splat(unit.limit);
  const F low = splat(-unit.limit);
  const F minus_alpha = splat(-unit.alpha);
  map(gate, up, out, n, [=](F g, F u) {
    g = min(g, limit);
    u = min(max(u, low), limit);
    return g / (splat(1.0f) + exp(minus_alpha * g)) * (u + splat(1.0f));
  });
}

}  // namespace

void activate(float* x, Activation activation, int64_t n) {
  switch (activation) {
    case Activation::kSilu:
      return activate_all<Activation::kSilu>(x, n);
    case Activation::kGelu:
      return activate_all<Activation::kGelu>(x, n);
    case Activation::kGeluTanh:
      return activate_all<Activation::kGeluTanh>(x, n);
    case Activation::kGeluQuick:
      return activate_all<Activation::kGeluQuick>(x, n);
    case Activation::kRelu:
      return activate_all<Activation::kRelu>(x, n);
    case Activation::kReluSquared:
      return activate_all<Activation::kReluSquared>(x, n);
  }
}

void gated_unit(const float* gate, const float* up, const GatedUnit* unit, float* out, int64_t n) {
  if (unit->clamped_swiglu) return clamped_swiglu(gate, up, *unit, out, n);
  switch (unit->activation) {
    case Activation::kSilu:
      return gate_all<Activation::kSilu>(gate, up, out, n);
    case Activation::kGelu:
      return gate_all<Activation::kGelu>(gate, up, out, n);
    case Activation::kGeluTanh:
      return gate_all<Activation::kGeluTanh>(gate, up, out, n);
    case Activation::kGeluQuick:
      return gate_all<Activation::kGeluQuick>(gate, up, out, n);
    case Activation::kRelu:
      return gate_all<Activation::kRelu>(gate, up, out, n);
    case Activation::kReluSquared:
      return gate_all<Activation::kReluSquared>(gate, up, out, n);
  }
}

void softcap(float* x, float cap, int64_t n) {
  const F scale = splat(cap);
  const F inverse = splat(1.0f / cap);
  map(x, x, x, n, [=](F value, F) { return scale * tanh(value * inverse); });
}

void sigmoid(float* x, int64_t n) {
  map(x, x, x, n, [](F value, F) { return sigmoid_of(value); });
}

void softmax(float* x, int64_t n) {
  constexpr float kLowest = -3.0e38f;
  F largests = splat(kLowest);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) largests = max(largests, load(x + i));
  float shift = largest(largests);
  for (; i < n; ++i) shift = x[i] > shift ? x[i] : shift;
  const F shifts = splat(shift);
  map(x, x, x, n, [=](F value, F) { return exp(value - shifts); });
  F sums = zero();
  for (i = 0; i + kLanes <= n; i += kLanes) sums = sums + load(x + i);
  float total = sum(sums);
  for (; i < n; ++i) total += x[i];
  const F inverse = splat(1.0f / total);
  map(x, x, x, n, [=](F value, F) { return value * inverse; });
}

}  // namespace ondol::cpu::ONDOL_ISA
