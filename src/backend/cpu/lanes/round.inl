// How x is rounded to 8 bits. Plain loops: the compiler finds the vectors. Wants kXRun, which is the table's
// MatmulKernels::x_run.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// The largest magnitude of kXGroup floats. Magnitudes are compared as integers, which orders them alike.
inline float largest_magnitude(const float* x) {
  int32_t largest = 0;
  for (int i = 0; i < kXGroup; ++i) {
    const int32_t magnitude = __builtin_bit_cast(int32_t, x[i]) & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
  }
  return __builtin_bit_cast(float, largest);
}

/// Rounds kXGroup floats times `factor`; `sums` are those of the two halves.
inline void round_group(const float* x, float factor, int8_t (&bytes)[kXGroup], int32_t (&sums)[2]) {
  // Adding and subtracting this leaves the nearest integer in the low bits.
  constexpr float kRounder = 12582912.0f;
  int32_t rounded[kXGroup];
  for (int i = 0; i < kXGroup; ++i) {
    rounded[i] = __builtin_bit_cast(int32_t, x[i] * factor + kRounder) - __builtin_bit_cast(int32_t, kRounder);
  }
  for (int half = 0; half < 2; ++half) {
    sums[half] = 0;
    for (int i = 0; i < kXGroup / 2; ++i) sums[half] += rounded[half * kXGroup / 2 + i];
  }
  for (int i = 0; i < kXGroup; ++i) bytes[i] = static_cast<int8_t>(rounded[i]);
}

/// Of n times kXGroup floats.
inline float largest_of_groups(const float* x, int n) {
  float largest = 0.0f;
  for (int i = 0; i < n; ++i) {
    const float of_group = largest_magnitude(x + i * kXGroup);
    largest = of_group > largest ? of_group : largest;
  }
  return largest;
}

inline float factor_for(float largest) {
  return largest > 0.0f ? 127.0f / largest : 0.0f;
}

/// Neighbours share a scale in `n_shared` times kXGroup.
template <int n_shared>
inline void round_columns_in(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                             int32_t* sums) {
  constexpr int kRuns = kXGroup / kXRun;
  for (int64_t column = 0; column < k; column += n_shared * kXGroup) {
    const int groups = k - column < n_shared * kXGroup ? static_cast<int>(k - column) / kXGroup : n_shared;
    float largest[kWide];
    for (int c = 0; c < n; ++c) largest[c] = largest_of_groups(x + static_cast<size_t>(c) * x_stride, groups);
    for (int i = 0; i < groups; ++i, x += kXGroup, q += kXGroup * width, scale += width, sums += 2 * width) {
      for (int c = 0; c < n; ++c) {
        int8_t bytes[kXGroup];
        int32_t of_halves[2];
        round_group(x + static_cast<size_t>(c) * x_stride, factor_for(largest[c]), bytes, of_halves);
        scale[c] = largest[c] * (1.0f / 127.0f);
        sums[c] = of_halves[0];
        sums[width + c] = of_halves[1];
        for (int j = 0; j < kRuns; ++j) __builtin_memcpy(q + (j * width + c) * kXRun, bytes + kXRun * j, kXRun);
      }
    }
  }
}

}  // namespace

void round_columns(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                   int32_t* sums) {
  round_columns_in<1>(x, x_stride, n, k, width, q, scale, sums);
}

}  // namespace ondol::cpu::ONDOL_ISA
