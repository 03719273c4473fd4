// The products of strips of weights and few columns of x, for any format of strips/formats_*.inl.
//
// A row's sum is kept in four parts: element (or group of 32, or of 16, where that many share a scale) i is added to
// part i % 4. lanes/products.inl does the same for more columns, so a column's result does not depend on how many
// there are.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// acc[c] += the products of a stretch of weights and columns; see XBlock for where those of stretch `at` lie.
template <typename Format, int width>
inline __attribute__((always_inline)) void add_stretch(const Stretch& s, const XBlock& x, int64_t at,
                                                       Floats (&acc)[width]) {
  constexpr int kParts = kXGroup / Format::kPer;
  constexpr int kVectors = 2 / kParts;
  constexpr size_t kStep = 16 * width;
  for (int c = 0; c < width; ++c) {
    const int8_t* q = x.q + (at * 8 * width + c) * 16;
    const Floats scale = load_quartet(x.scale + (at * width + c) * 4);
    for (int part = 0; part < kParts; ++part) {
      Ints sums[4];
      for (int i = 0; i < 4; ++i) {
        const int h = part * 4 + i * kVectors;
        sums[i] = products<Format::kMax, kVectors>(s.w + h, q + h * kStep, kStep);
      }
      const int64_t place = ((at * kParts + part) * width + c) * 4;
      Ints total = add_words(sums);
      if constexpr (Format::kZero != 0) total += load_quartet(x.start + place);
      const Floats factor = kParts == 1 ? scale : part == 0 ? twice_each<0>(scale) : twice_each<1>(scale);
      acc[c] = fma(to_floats(total) * factor, s.scale[part], acc[c]);
      if constexpr (Format::kMins) acc[c] = fma(s.min[part], load_quartet(x.sum + place), acc[c]);
    }
  }
}

/// Elements and bytes of what Format::unpack reads of a row.
template <typename Format>
constexpr int kRun = Format::kBlock < kStretch ? kStretch : Format::kBlock;
template <typename Format>
constexpr int kRunBytes = (kRun<Format> / Format::kBlock) * Format::kBytes;

/// The last elements of kStripRows rows, too few for a stretch: copied, with zeros behind them.
template <typename Format, int width>
inline void add_rest(const uint8_t* p, size_t stride, int64_t k, const XBlock& x, Floats (&acc)[width]) {
  uint8_t rows[kStripRows * kRunBytes<Format>] = {};
  const auto n_bytes = static_cast<size_t>(k % kStretch / Format::kBlock * Format::kBytes);
  for (size_t r = 0; r < kStripRows; ++r) {
    __builtin_memcpy(rows + r * kRunBytes<Format>, p + r * stride, n_bytes);
  }
  Format::unpack(
      rows, kRunBytes<Format>, [&](int, const Stretch& s) __attribute__((always_inline)) {
        add_stretch<Format, width>(s, x, k / kStretch, acc);
      });
}

/// How far ahead of what it multiplies a strip asks for memory.
constexpr size_t kFetchAhead = 3072;

template <typename Format, int width>
void multiply_strips(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const XBlock* x, float* tile,
                     size_t tile_stride) {
  constexpr int kStretches = kRun<Format> / kStretch;
  const XBlock block = *x;
  const int64_t n_steps = n_rows / kStripRows;
  const size_t stride = static_cast<size_t>(n_steps) * row_bytes;
  const uint8_t* p = rows;
  for (int64_t row = 0; row < n_steps; ++row) {
    Floats acc[width] = {};
    for (int64_t i = 0; i < k / kRun<Format>; ++i) {
      for (size_t r = 0; r < kStripRows; ++r) {
        for (int line = 0; line < kRunBytes<Format>; line += 64) prefetch(p + r * stride + kFetchAhead + line);
      }
      Format::unpack(
          p, stride, [&](int j, const Stretch& s) __attribute__((always_inline)) {
            add_stretch<Format, width>(s, block, i * kStretches + j, acc);
          });
      p += kRunBytes<Format>;
    }
    if constexpr (Format::kBlock < kStretch) {
      if (k % kStretch != 0) {
        add_rest<Format, width>(p, stride, k, block, acc);
        p += k % kStretch / Format::kBlock * Format::kBytes;
      }
    }
    for (int c = 0; c < width; ++c) {
      float sums[kStripRows];
      store_rows(sums, acc[c]);
      for (int r = 0; r < kStripRows; ++r) tile[static_cast<size_t>(c) * tile_stride + r * n_steps + row] = sums[r];
    }
  }
}

template <typename Format>
constexpr StripsType strips_type() {
  return {.rows = kStripRows,
          .few = {multiply_strips<Format, 1>, multiply_strips<Format, 2>, multiply_strips<Format, 3>,
                  multiply_strips<Format, 4>, multiply_strips<Format, 5>, multiply_strips<Format, 6>}};
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
