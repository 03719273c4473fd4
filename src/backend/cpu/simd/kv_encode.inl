// Encodes rows of the KV cache. The including file has read vec.h and kv_load.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

inline void store_step(uint8_t* block, float step) {
  const uint16_t half = float_to_f16(step);
  __builtin_memcpy(block, &half, sizeof(half));
}

inline void encode_f16(const float* values, uint8_t* out, int n) {
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) store_f16(out + 2 * i, load(values + i));
  for (; i < n; ++i) store_step(out + 2 * i, values[i]);
}

inline void encode_q8_0(const float* values, uint8_t* out) {
  F largests = zero();
  for (int i = 0; i < kBlock; i += kLanes) largests = max(largests, abs(load(values + i)));
  const float step = largest(largests) / 127.0f;
  const F inverse = splat(step > 0 ? 1.0f / step : 0.0f);
  store_step(out, step);
  for (int i = 0; i < kBlock; i += kLanes) store_i8(out + 2 + i, load(values + i) * inverse);
}

/// The value of largest magnitude.
inline float extreme_of(const float* values) {
  F highest = load(values);
  F lowest = highest;
  for (int i = kLanes; i < kBlock; i += kLanes) {
    highest = max(highest, load(values + i));
    lowest = min(lowest, load(values + i));
  }
  const float high = largest(highest);
  const float low = -largest(zero() - lowest);
  return high >= -low ? high : low;
}

inline F q4_0_codes(F units, float reach) {
  return max(min(nearest(units * splat(reach / kStepUnits)), splat(7.0f)), splat(-8.0f));
}

/// See kReach.
inline void encode_q4_0(const float* values, uint8_t* out) {
  constexpr int kVectors = kBlock / kLanes;
  const float extreme = extreme_of(values);
  const F to_units = splat(__builtin_fabsf(extreme) > kSmallestExtreme ? kStepUnits / extreme : 0.0f);
  F units[kVectors];
  for (int i = 0; i < kVectors; ++i) units[i] = nearest(load(values + i * kLanes) * to_units);
  float step = extreme / kReach[0];
  float reach = kReach[0];
  float best = 0;
  for (const float candidate : kReach) {
    F sums[4] = {zero(), zero(), zero(), zero()};
    for (int i = 0; i < kVectors; ++i) {
      const F codes = q4_0_codes(units[i], candidate);
      sums[0] = fma(units[i], codes, sums[0]);
      sums[1] = fma(codes, codes, sums[1]);
    }
    float totals[4];
    store_sums(totals, sums);
    const float products = totals[0];
    const float squares = totals[1];
    const float score = products * products / squares;
    if (!(score > best)) continue;
    best = score;
    reach = candidate;
    step = products / squares * (extreme / kStepUnits);
  }
  store_step(out, step);
  uint8_t codes[kBlock];
  for (int i = 0; i < kVectors; ++i) store_i8(codes + i * kLanes, q4_0_codes(units[i], reach) + splat(8.0f));
  for (int i = 0; i < kBlock / 2; ++i) out[2 + i] = static_cast<uint8_t>(codes[i] | codes[i + kBlock / 2] << 4);
}

}  // namespace

void kv_encode(KvType type, const float* values, uint8_t* out, int n) {
  switch (type) {
    case KvType::kF32:
      __builtin_memcpy(out, values, static_cast<size_t>(n) * sizeof(float));
      return;
    case KvType::kF16:
      encode_f16(values, out, n);
      return;
    case KvType::kQ8_0:
      for (int i = 0; i < n / kBlock; ++i) encode_q8_0(values + i * kBlock, out + i * kQ8Bytes);
      return;
    case KvType::kQ4_0:
      for (int i = 0; i < n / kBlock; ++i) encode_q4_0(values + i * kBlock, out + i * kQ4Bytes);
      return;
  }
}

}  // namespace ondol::cpu::ONDOL_ISA
