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

}  // namespace

void round_column(const float* x, int64_t k, int width, int8_t* q, float* scale, int32_t* sums) {
  // Adding and subtracting this leaves the nearest integer in the low bits.
  constexpr float kRounder = 12582912.0f;
  for (int64_t g = 0; g < k / kXGroup; ++g, x += kXGroup) {
    const float largest = largest_magnitude(x);
    const float factor = largest > 0.0f ? 127.0f / largest : 0.0f;
    scale[g * width] = largest * (1.0f / 127.0f);
    int32_t rounded[kXGroup];
    for (int i = 0; i < kXGroup; ++i) {
      rounded[i] = __builtin_bit_cast(int32_t, x[i] * factor + kRounder) - __builtin_bit_cast(int32_t, kRounder);
    }
    for (int half = 0; half < 2; ++half) {
      int32_t sum = 0;
      for (int i = 0; i < kXGroup / 2; ++i) sum += rounded[half * kXGroup / 2 + i];
      sums[2 * g + half] = sum;
    }
    int8_t bytes[kXGroup];
    for (int i = 0; i < kXGroup; ++i) bytes[i] = static_cast<int8_t>(rounded[i]);
    constexpr int kRuns = kXGroup / kXRun;
    for (int j = 0; j < kRuns; ++j) __builtin_memcpy(q + (g * kRuns + j) * width * kXRun, bytes + kXRun * j, kXRun);
  }
}

}  // namespace ondol::cpu::ONDOL_ISA
