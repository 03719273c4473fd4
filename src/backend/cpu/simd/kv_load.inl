// Rows of the KV cache as floats. The including file has read vec.h.
//
// Blocks hold 32 elements: an F16 step, then Q8_0's 32 bytes, or Q4_0's 16, whose low nibbles are the first half.
namespace ondol::cpu::ONDOL_ISA {
namespace {

constexpr int kBlock = 32;
constexpr int kQ8Bytes = 2 + kBlock;
constexpr int kQ4Bytes = 2 + kBlock / 2;

inline float load_step(const uint8_t* block) {
  uint16_t half;
  __builtin_memcpy(&half, block, sizeof(half));
  return f16_to_float(half);
}

inline size_t bytes_of(KvType type, int n) {
  switch (type) {
    case KvType::kF32:
      return 4 * static_cast<size_t>(n);
    case KvType::kF16:
      return 2 * static_cast<size_t>(n);
    case KvType::kQ8_0:
      return static_cast<size_t>(n / kBlock * kQ8Bytes);
    case KvType::kQ4_0:
      return static_cast<size_t>(n / kBlock * kQ4Bytes);
  }
  return 0;
}

/// Elements [i, i + kLanes) of a row, i a multiple of kLanes.
template <KvType kType>
inline F load_kv(const uint8_t* row, int i) {
  if constexpr (kType == KvType::kF32) {
    return load(reinterpret_cast<const float*>(row) + i);
  } else if constexpr (kType == KvType::kF16) {
    return load_f16(row + 2 * i);
  } else if constexpr (kType == KvType::kQ8_0) {
    const uint8_t* block = row + i / kBlock * kQ8Bytes;
    return splat(load_step(block)) * load_i8(block + 2 + i % kBlock);
  } else {
    const uint8_t* block = row + i / kBlock * kQ4Bytes;
    return splat(load_step(block)) * load_nibbles(block + 2 + i % (kBlock / 2), i % kBlock >= kBlock / 2);
  }
}

/// The last n < kLanes elements of a row, from element i on; only types without blocks have such.
template <KvType kType>
inline F load_kv_part(const uint8_t* row, int i, int n) {
  if constexpr (kType == KvType::kF32) {
    return load_part(reinterpret_cast<const float*>(row) + i, n);
  } else if constexpr (kType == KvType::kF16) {
    alignas(64) uint8_t padded[2 * kLanes] = {};
    __builtin_memcpy(padded, row + 2 * i, static_cast<size_t>(2 * n));
    return load_f16(padded);
  } else {
    return zero();
  }
}

template <KvType kType>
inline void decode_rows(const uint8_t* const* rows, int n_rows, int dim, float* out) {
  for (int row = 0; row < n_rows; ++row, out += dim) {
    int i = 0;
    for (; i + kLanes <= dim; i += kLanes) store(out + i, load_kv<kType>(rows[row], i));
    if (i < dim) store_part(out + i, load_kv_part<kType>(rows[row], i, dim - i), dim - i);
  }
}

/// Rows of `dim` elements, to out [n_rows][dim].
inline void decode_rows(KvType type, const uint8_t* const* rows, int n_rows, int dim, float* out) {
  switch (type) {
    case KvType::kF32:
      return decode_rows<KvType::kF32>(rows, n_rows, dim, out);
    case KvType::kF16:
      return decode_rows<KvType::kF16>(rows, n_rows, dim, out);
    case KvType::kQ8_0:
      return decode_rows<KvType::kQ8_0>(rows, n_rows, dim, out);
    case KvType::kQ4_0:
      return decode_rows<KvType::kQ4_0>(rows, n_rows, dim, out);
  }
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
