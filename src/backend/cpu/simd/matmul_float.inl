// Products in floats, written once over the vectors of an instruction set's vec.h, which the including file has read.
// It also says how many columns fill the registers: kFloatColumns.
namespace ondol::cpu::ONDOL_ISA {
namespace {

struct FromF32 {
  static constexpr int kBytes = 4;
  static inline F vector(const uint8_t* p) { return load(reinterpret_cast<const float*>(p)); }
  static inline float one(const uint8_t* p) {
    float value;
    __builtin_memcpy(&value, p, sizeof(value));
    return value;
  }
};

struct FromF16 {
  static constexpr int kBytes = 2;
  static inline F vector(const uint8_t* p) { return load_f16(p); }
  static inline float one(const uint8_t* p) {
    uint16_t half;
    __builtin_memcpy(&half, p, sizeof(half));
    return f16_to_float(half);
  }
};

struct FromBF16 {
  static constexpr int kBytes = 2;
  static inline F vector(const uint8_t* p) { return load_bf16(p); }
  static inline float one(const uint8_t* p) {
    uint16_t half;
    __builtin_memcpy(&half, p, sizeof(half));
    return __builtin_bit_cast(float, static_cast<uint32_t>(half) << 16);
  }
};

/// The products of kFloatRows rows and n columns; the sums of a column end in tile[c * kFloatRows].
template <typename From, int n>
inline void multiply_floats(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride,
                            const uint8_t* next, float* tile) {
  F sums[n][kFloatRows];
  for (int c = 0; c < n; ++c) {
    for (int r = 0; r < kFloatRows; ++r) sums[c][r] = zero();
  }
  int64_t i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    if (next != nullptr) {
      // As many bytes as this step reads.
      for (int byte = 0; byte < kFloatRows * kLanes * From::kBytes; byte += 64) __builtin_prefetch(next + byte);
      next += kFloatRows * kLanes * From::kBytes;
    }
    F w[kFloatRows];
    for (int r = 0; r < kFloatRows; ++r) {
      w[r] = From::vector(rows + static_cast<size_t>(r) * row_bytes + i * From::kBytes);
    }
    for (int c = 0; c < n; ++c) {
      const F column = load(x + static_cast<size_t>(c) * x_stride + i);
      for (int r = 0; r < kFloatRows; ++r) sums[c][r] = fma(w[r], column, sums[c][r]);
    }
  }
  for (int c = 0; c < n; ++c) {
    float* out = tile + c * kFloatRows;
    store_sums(out, sums[c]);
    for (int r = 0; r < kFloatRows; ++r) {
      const uint8_t* row = rows + static_cast<size_t>(r) * row_bytes;
      for (int64_t j = i; j < k; ++j) {
        out[r] = __builtin_fmaf(From::one(row + j * From::kBytes), x[static_cast<size_t>(c) * x_stride + j], out[r]);
      }
    }
  }
}

/// Columns in blocks that fill the registers.
template <typename From>
void multiply_float_rows(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride, int width,
                         const uint8_t* next, float* tile) {
  int c = 0;
  for (; c + kFloatColumns <= width; c += kFloatColumns) {
    multiply_floats<From, kFloatColumns>(rows, row_bytes, k, x + static_cast<size_t>(c) * x_stride, x_stride, next,
                                         tile + c * kFloatRows);
    next = nullptr;
  }
  for (; c + 2 <= width; c += 2) {
    multiply_floats<From, 2>(rows, row_bytes, k, x + static_cast<size_t>(c) * x_stride, x_stride, next,
                             tile + c * kFloatRows);
    next = nullptr;
  }
  if (c < width) {
    multiply_floats<From, 1>(rows, row_bytes, k, x + static_cast<size_t>(c) * x_stride, x_stride, next,
                             tile + c * kFloatRows);
  }
}

template <typename From>
void decode_floats(const void* from, float* to, int64_t n) {
  const auto* p = static_cast<const uint8_t*>(from);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, From::vector(p + i * From::kBytes));
  for (; i < n; ++i) to[i] = From::one(p + i * From::kBytes);
}

}  // namespace

void multiply_f32(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride, int width,
                  const uint8_t* next, float* tile) {
  multiply_float_rows<FromF32>(rows, row_bytes, k, x, x_stride, width, next, tile);
}

void multiply_f16(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride, int width,
                  const uint8_t* next, float* tile) {
  multiply_float_rows<FromF16>(rows, row_bytes, k, x, x_stride, width, next, tile);
}

void multiply_bf16(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride, int width,
                   const uint8_t* next, float* tile) {
  multiply_float_rows<FromBF16>(rows, row_bytes, k, x, x_stride, width, next, tile);
}

void decode_f16(const void* from, float* to, int64_t n) {
  decode_floats<FromF16>(from, to, n);
}

void decode_bf16(const void* from, float* to, int64_t n) {
  decode_floats<FromBF16>(from, to, n);
}

}  // namespace ondol::cpu::ONDOL_ISA
