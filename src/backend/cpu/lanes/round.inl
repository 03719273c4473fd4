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

/// Rounds kXGroup floats. Returns their scale; `sums` are those of the two halves.
inline float round_group(const float* x, int8_t (&bytes)[kXGroup], int32_t (&sums)[2]) {
  // Adding and subtracting this leaves the nearest integer in the low bits.
  constexpr float kRounder = 12582912.0f;
  const float largest = largest_magnitude(x);
  const float factor = largest > 0.0f ? 127.0f / largest : 0.0f;
  int32_t rounded[kXGroup];
  for (int i = 0; i < kXGroup; ++i) {
    rounded[i] = __builtin_bit_cast(int32_t, x[i] * factor + kRounder) - __builtin_bit_cast(int32_t, kRounder);
  }
  for (int half = 0; half < 2; ++half) {
    sums[half] = 0;
    for (int i = 0; i < kXGroup / 2; ++i) sums[half] += rounded[half * kXGroup / 2 + i];
  }
  for (int i = 0; i < kXGroup; ++i) bytes[i] = static_cast<int8_t>(rounded[i]);
  return largest * (1.0f / 127.0f);
}

}  // namespace

void round_columns(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                   int32_t* sums) {
  constexpr int kRuns = kXGroup / kXRun;
  for (int64_t g = 0; g < k / kXGroup; ++g, x += kXGroup, q += kXGroup * width, scale += width, sums += 2 * width) {
    for (int c = 0; c < n; ++c) {
      int8_t bytes[kXGroup];
      int32_t of_halves[2];
      scale[c] = round_group(x + static_cast<size_t>(c) * x_stride, bytes, of_halves);
      sums[c] = of_halves[0];
      sums[width + c] = of_halves[1];
      for (int j = 0; j < kRuns; ++j) __builtin_memcpy(q + (j * width + c) * kXRun, bytes + kXRun * j, kXRun);
    }
  }
}

}  // namespace ondol::cpu::ONDOL_ISA
