// What the formats of strips/formats_*.inl unpack to: stretches of 128 neighbouring weights of kStripRows rows.
//
// A format describes itself as in lanes/group.inl, but for unpack: it calls emit(i, stretch) for each stretch of the
// block at p of every row, or of four blocks where a block has 32 elements.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// w[h] holds weights 16 h to 16 h + 15. Scales and minimums lie side by side in their row's four words: of the four
/// groups of 32 in [0], or, in formats with kPer 16, of the first four groups in [0] and the others in [1].
struct Stretch {
  Words w[8];
  Floats scale[2];
  Floats min[2];
};

/// Bytes b, b + 1, b + 2 and b + 3 of every row's sixteen, as words.
template <int b>
inline Words bytes_from(Words v) {
  return pick_bytes<b, b + 1, b + 2, b + 3>(v);
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
