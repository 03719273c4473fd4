// How the formats with blocks of 256 weights become stretches; see stretch.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// The head that Q4_K and Q5_K share: d, dmin and twelve bytes of scales and minimums (q4_k.h).
struct KHead {
  Floats scale[2];  // of the groups of each stretch
  Floats min[2];

  inline __attribute__((always_inline)) KHead(const uint8_t* p, size_t stride) {
    const Words head = load16(p, stride);
    const Floats d = half_at<0>(head);
    const Floats minus_dmin = -half_at<2>(head);
    const Words a = bytes_from<4>(head);
    const Words b = bytes_from<8>(head);
    const Words c = bytes_from<12>(head);
    scale[0] = d * to_floats((Ints)(a & 0x3fu));
    min[0] = minus_dmin * to_floats((Ints)(b & 0x3fu));
    scale[1] = d * to_floats((Ints)((c & 0x0fu) | (a >> 2 & 0x30u)));
    min[1] = minus_dmin * to_floats((Ints)(c >> 4 | (b >> 2 & 0x30u)));
  }
};

struct Q4_K {
  static constexpr int kBlock = 256, kBytes = sizeof(BlockQ4_K), kPer = 32, kZero = 0, kMax = 15;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const KHead head(p, stride);
    for (int i = 0; i < 2; ++i) {
      Stretch s;
      for (int j = 0; j < 4; ++j) {
        const Words packed = load16(p + offsetof(BlockQ4_K, qs) + 64 * i + 16 * j, stride);
        const int h = j / 2 * 4 + j % 2;
        s.w[h] = packed & 0x0f0f0f0fu;
        s.w[h + 2] = packed >> 4 & 0x0f0f0f0fu;
      }
      s.scale[0] = head.scale[i];
      s.min[0] = head.min[i];
      emit(i, s);
    }
  }
};

struct Q5_K {
  static constexpr int kBlock = 256, kBytes = sizeof(BlockQ5_K), kPer = 32, kZero = 0, kMax = 31;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const KHead head(p, stride);
    const Words fifth[2] = {load16(p + offsetof(BlockQ5_K, qh), stride),
                            load16(p + offsetof(BlockQ5_K, qh) + 16, stride)};
    for (int i = 0; i < 2; ++i) {
      Stretch s;
      for (int j = 0; j < 4; ++j) {
        const Words packed = load16(p + offsetof(BlockQ5_K, qs) + 64 * i + 16 * j, stride);
        const int h = j / 2 * 4 + j % 2;
        const int bit = 4 * i + j / 2 * 2;
        const Words bits = fifth[j % 2];
        s.w[h] = (packed & 0x0f0f0f0fu) | (bits >> bit << 4 & 0x10101010u);
        s.w[h + 2] = (packed >> 4 & 0x0f0f0f0fu) | (bits >> (bit + 1) << 4 & 0x10101010u);
      }
      s.scale[0] = head.scale[i];
      s.min[0] = head.min[i];
      emit(i, s);
    }
  }
};

struct Q6_K {
  static constexpr int kBlock = 256, kBytes = sizeof(BlockQ6_K), kPer = 16, kZero = 32, kMax = 63;
  static constexpr bool kMins = false;

  template <int i, typename Emit>
  static inline __attribute__((always_inline)) void unpack_half(const uint8_t* p, size_t stride, Words scales, Floats d,
                                                                Emit emit) {
    Stretch s;
    for (int j = 0; j < 4; ++j) {
      const Words low = load16(p + offsetof(BlockQ6_K, ql) + 64 * i + 16 * j, stride);
      const Words top = load16(p + offsetof(BlockQ6_K, qh) + 32 * i + j % 2 * 16, stride) >> (j / 2 * 2);
      s.w[j] = (low & 0x0f0f0f0fu) | (top << 4 & 0x30303030u);
      s.w[j + 4] = (low >> 4 & 0x0f0f0f0fu) | (top & 0x30303030u);
    }
    s.scale[0] = d * to_floats(signed_bytes_from<8 * i>(scales));
    s.scale[1] = d * to_floats(signed_bytes_from<8 * i + 4>(scales));
    emit(i, s);
  }

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const Words scales = load16(p + offsetof(BlockQ6_K, scales), stride);
    const Floats d = half_at<14>(load16(p + offsetof(BlockQ6_K, d) - 14, stride));
    unpack_half<0>(p, stride, scales, d, emit);
    unpack_half<1>(p, stride, scales, d, emit);
  }
};

struct Q3_K {
  static constexpr int kBlock = 256, kBytes = sizeof(BlockQ3_K), kPer = 16, kZero = 4, kMax = 7;
  static constexpr bool kMins = false;

  /// Scales 4 v to 4 v + 3, of the block's last 16 bytes: two of qs, twelve of scales, d.
  template <int v>
  static inline Floats scales_of(Words tail, Floats d) {
    const Words low = bytes_from<2 + v % 2 * 4>(tail) >> (v / 2 * 4) & 0x0fu;
    const Words high = bytes_from<10>(tail) >> (2 * v) << 4 & 0x30u;
    return d * to_floats((Ints)(low | high) - 32);
  }

  template <int i, typename Emit>
  static inline __attribute__((always_inline)) void unpack_half(const uint8_t* p, size_t stride, Words tail, Floats d,
                                                                const Words (&third)[2], Emit emit) {
    Stretch s;
    for (int part = 0; part < 2; ++part) {
      const Words low = load16(p + offsetof(BlockQ3_K, qs) + 32 * i + 16 * part, stride);
      for (int j = 0; j < 4; ++j) {
        s.w[2 * j + part] = (low >> (2 * j) & 0x03030303u) | (third[part] >> (4 * i + j) << 2 & 0x04040404u);
      }
    }
    s.scale[0] = scales_of<2 * i>(tail, d);
    s.scale[1] = scales_of<2 * i + 1>(tail, d);
    emit(i, s);
  }

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const Words tail = load16(p + kBytes - 16, stride);
    const Floats d = half_at<14>(tail);
    const Words third[2] = {load16(p + offsetof(BlockQ3_K, hmask), stride),
                            load16(p + offsetof(BlockQ3_K, hmask) + 16, stride)};
    unpack_half<0>(p, stride, tail, d, third, emit);
    unpack_half<1>(p, stride, tail, d, third, emit);
  }
};

struct Q2_K {
  static constexpr int kBlock = 256, kBytes = sizeof(BlockQ2_K), kPer = 16, kZero = 0, kMax = 3;
  static constexpr bool kMins = true;

  template <int i, typename Emit>
  static inline __attribute__((always_inline)) void unpack_half(const uint8_t* p, size_t stride, Words scales, Floats d,
                                                                Floats minus_dmin, Emit emit) {
    Stretch s;
    for (int part = 0; part < 2; ++part) {
      const Words low = load16(p + offsetof(BlockQ2_K, qs) + 32 * i + 16 * part, stride);
      for (int j = 0; j < 4; ++j) s.w[2 * j + part] = low >> (2 * j) & 0x03030303u;
    }
    const Words of_parts[2] = {bytes_from<8 * i>(scales), bytes_from<8 * i + 4>(scales)};
    for (int v = 0; v < 2; ++v) {
      s.scale[v] = d * to_floats((Ints)(of_parts[v] & 0x0fu));
      s.min[v] = minus_dmin * to_floats((Ints)(of_parts[v] >> 4));
    }
    emit(i, s);
  }

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const Words tail = load16(p + kBytes - 16, stride);
    const Floats d = half_at<12>(tail);
    const Floats minus_dmin = -half_at<14>(tail);
    const Words scales = load16(p + offsetof(BlockQ2_K, scales), stride);
    unpack_half<0>(p, stride, scales, d, minus_dmin, emit);
    unpack_half<1>(p, stride, scales, d, minus_dmin, emit);
  }
};

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
