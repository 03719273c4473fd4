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

/// How far ahead of what they multiply the kernels ask for memory.
constexpr int kFetchAhead = 1536;

/// The products of kFloatRows rows and n columns; row r's with column c goes to tile[c * tile_stride + r * row_step].
template <typename From, int n>
inline void multiply_floats(const uint8_t* rows, size_t stride, int64_t k, const float* x, size_t x_stride, float* tile,
                            size_t tile_stride, size_t row_step) {
  F sums[n][kFloatRows];
  for (int c = 0; c < n; ++c) {
    for (int r = 0; r < kFloatRows; ++r) sums[c][r] = zero();
  }
  int64_t i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    F w[kFloatRows];
    for (int r = 0; r < kFloatRows; ++r) {
      const uint8_t* p = rows + static_cast<size_t>(r) * stride + i * From::kBytes;
      if (i * From::kBytes % 64 == 0) __builtin_prefetch(p + kFetchAhead);
      w[r] = From::vector(p);
    }
    for (int c = 0; c < n; ++c) {
      const F column = load(x + static_cast<size_t>(c) * x_stride + i);
      for (int r = 0; r < kFloatRows; ++r) sums[c][r] = fma(w[r], column, sums[c][r]);
    }
  }
  for (int c = 0; c < n; ++c) {
    float products[kFloatRows];
    store_sums(products, sums[c]);
    for (int r = 0; r < kFloatRows; ++r) {
      const uint8_t* row = rows + static_cast<size_t>(r) * stride;
      for (int64_t j = i; j < k; ++j) {
        products[r] =
            __builtin_fmaf(From::one(row + j * From::kBytes), x[static_cast<size_t>(c) * x_stride + j], products[r]);
      }
      tile[static_cast<size_t>(c) * tile_stride + static_cast<size_t>(r) * row_step] = products[r];
    }
  }
}

/// Columns in blocks that fill the registers.
template <typename From>
void multiply_float_rows(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const float* x,
                         size_t x_stride, int width, float* tile, size_t tile_stride) {
  const auto n_steps = static_cast<size_t>(n_rows / kFloatRows);
  const size_t stride = n_steps * row_bytes;
  for (size_t row = 0; row < n_steps; ++row, rows += row_bytes) {
    int c = 0;
    const auto column = [&] { return x + static_cast<size_t>(c) * x_stride; };
    const auto out = [&] { return tile + static_cast<size_t>(c) * tile_stride + row; };
    for (; c + kFloatColumns <= width; c += kFloatColumns) {
      multiply_floats<From, kFloatColumns>(rows, stride, k, column(), x_stride, out(), tile_stride, n_steps);
    }
    for (; c + 2 <= width; c += 2) {
      multiply_floats<From, 2>(rows, stride, k, column(), x_stride, out(), tile_stride, n_steps);
    }
    if (c < width) multiply_floats<From, 1>(rows, stride, k, column(), x_stride, out(), tile_stride, n_steps);
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

void multiply_f32(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const float* x, size_t x_stride,
                  int width, float* tile, size_t tile_stride) {
  multiply_float_rows<FromF32>(rows, row_bytes, n_rows, k, x, x_stride, width, tile, tile_stride);
}

void multiply_f16(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const float* x, size_t x_stride,
                  int width, float* tile, size_t tile_stride) {
  multiply_float_rows<FromF16>(rows, row_bytes, n_rows, k, x, x_stride, width, tile, tile_stride);
}

void multiply_bf16(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const float* x, size_t x_stride,
                   int width, float* tile, size_t tile_stride) {
  multiply_float_rows<FromBF16>(rows, row_bytes, n_rows, k, x, x_stride, width, tile, tile_stride);
}

void decode_f16(const void* from, float* to, int64_t n) {
  decode_floats<FromF16>(from, to, n);
}

void decode_bf16(const void* from, float* to, int64_t n) {
  decode_floats<FromBF16>(from, to, n);
}

}  // namespace ondol::cpu::ONDOL_ISA
