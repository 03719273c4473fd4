// The tables that four bits choose from, and MXFP4's scales.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// FP4 doubled (quant/mxfp4.h) and shifted to be unsigned.
constexpr int kFp4Zero = 16;

struct Levels {
  int8_t value[16];
  constexpr Levels(const int8_t (&levels)[16], int offset) : value() {
    for (int i = 0; i < 16; ++i) value[i] = static_cast<int8_t>(levels[i] + offset);
  }
};
constexpr Levels kIq4Bytes(kIq4Levels, kSignedOffset);
constexpr Levels kFp4Bytes(kFp4Doubled, kFp4Zero);

/// Half of 2^(e - 127), made of bits; the two smallest are subnormal.
inline Floats half_of_power(Words e) {
  const Words subnormal = (Words)(e < 2u);
  return (Floats)((subnormal & (0x00200000u << (e & 1u))) | (~subnormal & ((e - 1u) << 23)));
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
