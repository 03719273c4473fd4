// What the formats of formats_*.inl unpack to: words of weights, side by side for all lanes.
//
// A format describes itself: kBlock elements in kBytes bytes; kPer elements share a scale; a weight is
// scale * (byte - kZero), or scale * byte + min with kMins; bytes are at most kMax, or signed if that is 0. `unpack`
// calls emit(step, group) for each 32 elements of the block at p of every lane.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// 32 neighbouring weights of every lane. scale[1] and min[1] are those of the second half, in formats with kPer 16.
struct Group {
  Words w[8];
  Floats scale[2];
  Floats min[2];
};

inline void split_nibbles(const Words (&packed)[4], Words* low, Words* high) {
  for (int j = 0; j < 4; ++j) {
    low[j] = packed[j] & 0x0f0f0f0fu;
    high[j] = packed[j] >> 4 & 0x0f0f0f0fu;
  }
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
