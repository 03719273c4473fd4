// How the formats with blocks of 32 weights become words of weights; see group.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Sets bit 4 of the bytes of w[j] (weights 4 j to 4 j + 3) whose bits in `bits` are set.
template <int... j>
inline void add_fifth_bits(Words bits, Words* w) {
  ((w[j] |= spread_bits<j>(bits) & 0x10101010u), ...);
}

struct Q4_0 {
  static constexpr int kBlock = 32, kBytes = 18, kPer = 32, kZero = 8, kMax = 15;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Group group;
    Words packed[4];
    load_codes(p + offsetof(BlockQ4_0, qs), stride, packed);
    split_nibbles(packed, group.w, group.w + 4);
    group.scale[0] = half_to_floats(load4(p, stride));
    emit(0, group);
  }
};

struct Q4_1 {
  static constexpr int kBlock = 32, kBytes = 20, kPer = 32, kZero = 0, kMax = 15;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Group group;
    Words packed[4];
    load_codes(p + offsetof(BlockQ4_1, qs), stride, packed);
    split_nibbles(packed, group.w, group.w + 4);
    const Words scales = load4(p, stride);
    group.scale[0] = half_to_floats(scales);
    group.min[0] = half_to_floats(scales >> 16);
    emit(0, group);
  }
};

struct Q5_0 {
  static constexpr int kBlock = 32, kBytes = 22, kPer = 32, kZero = 16, kMax = 31;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Group group;
    Words packed[4];
    load_codes(p + offsetof(BlockQ5_0, qs), stride, packed);
    split_nibbles(packed, group.w, group.w + 4);
    add_fifth_bits<0, 1, 2, 3, 4, 5, 6, 7>(load4(p + offsetof(BlockQ5_0, qh), stride), group.w);
    group.scale[0] = half_to_floats(load4(p, stride));
    emit(0, group);
  }
};

struct Q5_1 {
  static constexpr int kBlock = 32, kBytes = 24, kPer = 32, kZero = 0, kMax = 31;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Group group;
    Words packed[4];
    load_codes(p + offsetof(BlockQ5_1, qs), stride, packed);
    split_nibbles(packed, group.w, group.w + 4);
    load16(p, stride, packed);
    add_fifth_bits<0, 1, 2, 3, 4, 5, 6, 7>(packed[1], group.w);
    group.scale[0] = half_to_floats(packed[0]);
    group.min[0] = half_to_floats(packed[0] >> 16);
    emit(0, group);
  }
};

struct Q8_0 {
  static constexpr int kBlock = 32, kBytes = 34, kPer = 32, kZero = kSignedOffset, kMax = 0;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Group group;
    for (int half = 0; half < 2; ++half) {
      Words packed[4];
      load_codes(p + offsetof(BlockQ8_0, qs) + 16 * half, stride, packed);
      for (int j = 0; j < 4; ++j) group.w[4 * half + j] = packed[j] ^ (kSignedOffset * 0x01010101u);
    }
    group.scale[0] = half_to_floats(load4(p, stride));
    emit(0, group);
  }
};

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
