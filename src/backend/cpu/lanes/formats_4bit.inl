// How the formats whose four bits choose from a table become words of weights; see formats_32.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

inline void look_up_nibbles(const Levels& levels, const uint8_t* p, size_t stride, Words* w) {
  Words packed[4];
  load_codes(p, stride, packed);
  split_nibbles(packed, w, w + 4);
  for (int j = 0; j < 8; ++j) w[j] = look_up(levels.value, w[j]);
}

struct IQ4_NL {
  static constexpr int kBlock = 32, kBytes = 18, kPer = 32, kZero = kSignedOffset, kMax = 0;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Group group;
    look_up_nibbles(kIq4Bytes, p + offsetof(BlockIQ4_NL, qs), stride, group.w);
    group.scale[0] = half_to_floats(load4(p, stride));
    emit(0, group);
  }
};

struct IQ4_XS {
  static constexpr int kBlock = 256, kBytes = 136, kPer = 32, kZero = kSignedOffset, kMax = 0;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Words head[4];  // d and scales_h, scales_l, and eight bytes that are not wanted
    load16(p, stride, head);
    const Floats d = half_to_floats(head[0]);
    for (int step = 0; step < 8; ++step) {
      Group group;
      look_up_nibbles(kIq4Bytes, p + offsetof(BlockIQ4_XS, qs) + 16 * step, stride, group.w);
      const Words scale = (head[1] >> (4 * step) & 0x0fu) | (head[0] >> (16 + 2 * step) << 4 & 0x30u);
      group.scale[0] = d * (to_floats((Ints)scale) - 32.0f);
      emit(step, group);
    }
  }
};

struct MXFP4 {
  static constexpr int kBlock = 32, kBytes = 17, kPer = 32, kZero = kFp4Zero, kMax = kFp4Zero + 12;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Group group;
    look_up_nibbles(kFp4Bytes, p + offsetof(BlockMXFP4, qs), stride, group.w);
    group.scale[0] = half_of_power(load4(p, stride) & 0xffu);
    emit(0, group);
  }
};

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
