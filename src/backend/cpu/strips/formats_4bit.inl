// How the formats whose four bits choose from a table become stretches; see stretch.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

inline void look_up_nibbles(const Levels& levels, Words packed, Words* w) {
  w[0] = look_up(levels.value, packed & 0x0f0f0f0fu);
  w[1] = look_up(levels.value, packed >> 4 & 0x0f0f0f0fu);
}

struct IQ4_NL {
  static constexpr int kBlock = 32, kBytes = sizeof(BlockIQ4_NL), kPer = 32, kZero = kSignedOffset, kMax = 0;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Stretch s;
    for (int i = 0; i < 4; ++i) {
      look_up_nibbles(kIq4Bytes, load16(p + i * kBytes + offsetof(BlockIQ4_NL, qs), stride), s.w + 2 * i);
    }
    s.scale[0] = halves_at<kBytes>(p, stride);
    emit(0, s);
  }
};

struct IQ4_XS {
  static constexpr int kBlock = 256, kBytes = sizeof(BlockIQ4_XS), kPer = 32, kZero = kSignedOffset, kMax = 0;
  static constexpr bool kMins = false;

  template <int i, typename Emit>
  static inline __attribute__((always_inline)) void unpack_half(const uint8_t* p, size_t stride, Words head, Floats d,
                                                                Emit emit) {
    Stretch s;
    for (int j = 0; j < 4; ++j) {
      look_up_nibbles(kIq4Bytes, load16(p + offsetof(BlockIQ4_XS, qs) + 64 * i + 16 * j, stride), s.w + 2 * j);
    }
    constexpr int kLow = offsetof(BlockIQ4_XS, scales_l) + 2 * i;
    const Words low = pick_bytes<kLow, kLow, kLow + 1, kLow + 1>(head) >> four_words(0, 4, 0, 4) & 0x0fu;
    constexpr int kHigh = offsetof(BlockIQ4_XS, scales_h) + i;
    const Words high = pick_bytes<kHigh, kHigh, kHigh, kHigh>(head) >> four_words(0, 2, 4, 6) & 0x03u;
    s.scale[0] = d * to_floats((Ints)(low | high << 4) - 32);
    emit(i, s);
  }

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const Words head = load16(p, stride);
    const Floats d = half_at<0>(head);
    unpack_half<0>(p, stride, head, d, emit);
    unpack_half<1>(p, stride, head, d, emit);
  }
};

struct MXFP4 {
  static constexpr int kBlock = 32, kBytes = sizeof(BlockMXFP4), kPer = 32, kZero = kFp4Zero, kMax = kFp4Zero + 12;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Stretch s;
    for (int i = 0; i < 4; ++i) {
      look_up_nibbles(kFp4Bytes, load16(p + i * kBytes + offsetof(BlockMXFP4, qs), stride), s.w + 2 * i);
    }
    s.scale[0] = half_of_power(words_at<kBytes, offsetof(BlockMXFP4, e)>(p, stride) & 0xffu);
    emit(0, s);
  }
};

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
