// How the formats with blocks of 32 weights become stretches; see stretch.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Nibbles of 16 bytes: the low ones are weights 0 to 15 of a block, the high ones 16 to 31.
inline void split_nibbles(Words packed, Words* w) {
  w[0] = packed & 0x0f0f0f0fu;
  w[1] = packed >> 4 & 0x0f0f0f0fu;
}

/// Sets bit 4 of the weights of a block whose bits in `bits`, the same in all words of a row, are set.
inline void add_fifth_bits(Words bits, Words* w) {
  w[0] |= spread_bits<0>(bits) & 0x10101010u;
  w[1] |= spread_bits<1>(bits) & 0x10101010u;
}

struct Q4_0 {
  static constexpr int kBlock = 32, kBytes = sizeof(BlockQ4_0), kPer = 32, kZero = 8, kMax = 15;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Stretch s;
    for (int i = 0; i < 4; ++i) split_nibbles(load16(p + i * kBytes + offsetof(BlockQ4_0, qs), stride), s.w + 2 * i);
    s.scale[0] = halves_at<kBytes>(p, stride);
    emit(0, s);
  }
};

struct Q4_1 {
  static constexpr int kBlock = 32, kBytes = sizeof(BlockQ4_1), kPer = 32, kZero = 0, kMax = 15;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Stretch s;
    for (int i = 0; i < 4; ++i) split_nibbles(load16(p + i * kBytes + offsetof(BlockQ4_1, qs), stride), s.w + 2 * i);
    const Words scales = words_at<kBytes, 0>(p, stride);
    s.scale[0] = half_to_floats(scales);
    s.min[0] = half_to_floats(scales >> 16);
    emit(0, s);
  }
};

struct Q5_0 {
  static constexpr int kBlock = 32, kBytes = sizeof(BlockQ5_0), kPer = 32, kZero = 16, kMax = 31;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Stretch s;
    const Words bits = words_at<kBytes, offsetof(BlockQ5_0, qh)>(p, stride);
    for (int i = 0; i < 4; ++i) split_nibbles(load16(p + i * kBytes + offsetof(BlockQ5_0, qs), stride), s.w + 2 * i);
    add_fifth_bits(word_at<0>(bits), s.w);
    add_fifth_bits(word_at<1>(bits), s.w + 2);
    add_fifth_bits(word_at<2>(bits), s.w + 4);
    add_fifth_bits(word_at<3>(bits), s.w + 6);
    s.scale[0] = halves_at<kBytes>(p, stride);
    emit(0, s);
  }
};

struct Q5_1 {
  static constexpr int kBlock = 32, kBytes = sizeof(BlockQ5_1), kPer = 32, kZero = 0, kMax = 31;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Stretch s;
    const Words bits = words_at<kBytes, offsetof(BlockQ5_1, qh)>(p, stride);
    for (int i = 0; i < 4; ++i) split_nibbles(load16(p + i * kBytes + offsetof(BlockQ5_1, qs), stride), s.w + 2 * i);
    add_fifth_bits(word_at<0>(bits), s.w);
    add_fifth_bits(word_at<1>(bits), s.w + 2);
    add_fifth_bits(word_at<2>(bits), s.w + 4);
    add_fifth_bits(word_at<3>(bits), s.w + 6);
    const Words scales = words_at<kBytes, 0>(p, stride);
    s.scale[0] = half_to_floats(scales);
    s.min[0] = half_to_floats(scales >> 16);
    emit(0, s);
  }
};

struct Q8_0 {
  static constexpr int kBlock = 32, kBytes = sizeof(BlockQ8_0), kPer = 32, kZero = kSignedOffset, kMax = 0;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Stretch s;
    for (int h = 0; h < 8; ++h) {
      const uint8_t* qs = p + h / 2 * kBytes + offsetof(BlockQ8_0, qs) + h % 2 * 16;
      s.w[h] = load16(qs, stride) ^ (kSignedOffset * 0x01010101u);
    }
    s.scale[0] = halves_at<kBytes>(p, stride);
    emit(0, s);
  }
};

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
