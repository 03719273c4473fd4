// How groups of weights become tiles of BF16 for matrix instructions, for any format of formats_*.inl.
//
// A tile holds 32 neighbouring weights of every lane: sixteen lines, each with two neighbours of all lanes.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// BF16 numbers nearest to `even` and `odd`, side by side in each word. Ties go away from zero.
inline Words pair_of_bf16(Floats even, Floats odd) {
  return ((Words)even + 0x8000u) >> 16 | (((Words)odd + 0x8000u) & 0xffff0000u);
}

/// What raised_byte adds. It costs precision, so it is no more than is needed to hold the byte in a float's fraction.
template <typename Format>
constexpr float kRaise = Format::kMax == 0 ? 32768.0f : 128.0f;

/// kRaise plus byte i of every word, made of bits: cheaper than converting it. Bytes of formats with kMax are below 128.
template <typename Format, int i>
inline Floats raised_byte(Words w) {
  constexpr int kTo = Format::kMax == 0 ? 8 : 16;
  const Words moved = 8 * i < kTo ? w << (kTo - 8 * i) : w >> (8 * i - kTo);
  return (Floats)((moved & (0xffu << kTo)) | __builtin_bit_cast(uint32_t, kRaise<Format>));
}

template <typename Format>
void pack_tiles(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles) {
  for (int64_t i = 0; i < k / Format::kBlock; ++i) {
    Format::unpack(rows, row_bytes, [&](int step, const Group& group) __attribute__((always_inline)) {
      uint8_t* tile = tiles + static_cast<size_t>(step) * (16 * sizeof(Words));
      for (int j = 0; j < 8; ++j) {
        const int part = Format::kPer == 16 ? j / 4 : 0;
        const Floats scale = group.scale[part];
        const Floats base = fma(scale, splat(-kRaise<Format> - Format::kZero), Format::kMins ? group.min[part] : Floats{});
        const Words w = group.w[j];
        const Floats weights[] = {
            fma(raised_byte<Format, 0>(w), scale, base), fma(raised_byte<Format, 1>(w), scale, base),
            fma(raised_byte<Format, 2>(w), scale, base), fma(raised_byte<Format, 3>(w), scale, base)};
        store_words(tile, pair_of_bf16(weights[0], weights[1]));
        store_words(tile + sizeof(Words), pair_of_bf16(weights[2], weights[3]));
        tile += 2 * sizeof(Words);
      }
    });
    tiles += Format::kBlock / 32 * (16 * sizeof(Words));
    rows += Format::kBytes;
  }
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
