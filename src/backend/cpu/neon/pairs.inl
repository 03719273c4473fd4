// The products of pairs of rows of weights and pairs of columns of x by i8mm's matrix instruction, for any format of
// formats_*.inl.
//
// The instruction adds the products of two rows and two columns, eight bytes of each, to a square: [row 0, column 0],
// [row 0, column 1], [row 1, column 0], [row 1, column 1]. Four lanes make two squares for each pair of columns. They
// stay squares until the end; their scales are spread out to meet them. XBlock::q is [K / kXRun][width][kXRun] here. A
// last column without a partner is summed up by dot products, with an element for each lane as in lanes/products.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Scales in 32 neighbouring elements.
template <typename Format>
constexpr int kParts = kXGroup / Format::kPer;

/// 32 neighbouring weights of every lane, with scales and minimums as squares need them: [part][pair of rows].
struct Squares {
  Words w[8];
  Floats scale[2][2];
  Floats min[2][2];
};

inline void spread_rows(Floats lanes, Floats (&squares)[2]) {
  squares[0] = vzip1q_f32(lanes, lanes);
  squares[1] = vzip2q_f32(lanes, lanes);
}

template <typename Format>
inline Squares squares_of(const Group& group) {
  Squares squares;
  for (int j = 0; j < 8; ++j) squares.w[j] = group.w[j];
  for (int part = 0; part < kParts<Format>; ++part) {
    spread_rows(group.scale[part], squares.scale[part]);
    if constexpr (Format::kMins) spread_rows(group.min[part], squares.min[part]);
  }
  return squares;
}

/// Two neighbouring numbers of four bytes, twice.
inline uint64x2_t twice(const void* two) {
  uint64_t bits;
  __builtin_memcpy(&bits, two, sizeof(bits));
  return vdupq_n_u64(bits);
}
inline Floats spread_columns(const float* two) {
  return vreinterpretq_f32_u64(twice(two));
}

/// Parts of a sum, as in lanes/products.inl. Those of all columns lie together: a part is chosen at run time.
constexpr int kSumParts = 4;
template <int width>
using Sums = Floats[kSumParts][width];

/// Adds to elements first and first + 1 of a part of `acc` the squares of 32 elements of these columns. The weights of
/// `centered` squares have their zero points taken off.
template <typename Format, bool centered, int first, int width>
inline __attribute__((always_inline)) void add_pair(const Squares& squares, const XBlock& x, int64_t step,
                                                    Sums<width>& acc) {
  constexpr int kOctets = 4 / kParts<Format>;
  const int8_t* q = x.q + step * (kXGroup * width) + first * kXRun;
  const Floats scale = spread_columns(x.scale + step * width + first);
  for (int part = 0; part < kParts<Format>; ++part) {
    const int64_t place = step * kParts<Format> + part;
    Ints sums[2] = {};
    if constexpr (Format::kZero != 0 && !centered) {
      sums[0] = sums[1] = vreinterpretq_s32_u64(twice(x.start + place * width + first));
    }
    for (int octet = part * kOctets; octet < (part + 1) * kOctets; ++octet) {
      const int8x16_t columns = vld1q_s8(q + octet * width * kXRun);
      for (int rows = 0; rows < 2; ++rows) {
        sums[rows] = vmmlaq_s32(sums[rows], vreinterpretq_s8_u32(squares.w[2 * octet + rows]), columns);
      }
    }
    Floats* total = acc[place % kSumParts] + first;
    for (int rows = 0; rows < 2; ++rows) {
      total[rows] = fma(to_floats(sums[rows]) * scale, squares.scale[part][rows], total[rows]);
    }
    if constexpr (Format::kMins) {
      const Floats sum = spread_columns(x.sum + place * width + first);
      for (int rows = 0; rows < 2; ++rows) total[rows] = fma(squares.min[part][rows], sum, total[rows]);
    }
  }
}

template <typename Format, bool centered, int width, int first = 0>
inline __attribute__((always_inline)) void add_pairs(const Squares& squares, const XBlock& x, int64_t step,
                                                     Sums<width>& acc) {
  if constexpr (first + 2 <= width) {
    add_pair<Format, centered, first, width>(squares, x, step, acc);
    add_pairs<Format, centered, width, first + 2>(squares, x, step, acc);
  }
}

/// Adds to the last element of a part of `acc` the products of 32 weights of every lane and of the last column.
template <typename Format, int width>
inline __attribute__((always_inline)) void add_last(const Group& group, const XBlock& x, int64_t step,
                                                    Sums<width>& acc) {
  constexpr int kOctets = 4 / kParts<Format>;
  constexpr int kLast = width - 1;
  const int8_t* q = x.q + step * (kXGroup * width) + kLast * kXRun;
  const Floats scale = splat(x.scale[step * width + kLast]);
  for (int part = 0; part < kParts<Format>; ++part) {
    const int64_t place = step * kParts<Format> + part;
    Ints halves[2] = {};  // a lane's first and last four of eight
    for (int octet = part * kOctets; octet < (part + 1) * kOctets; ++octet) {
      const int8x16_t column = vreinterpretq_s8_u64(twice(q + octet * width * kXRun));
      for (int rows = 0; rows < 2; ++rows) {
        halves[rows] = vdotq_s32(halves[rows], vreinterpretq_s8_u32(group.w[2 * octet + rows]), column);
      }
    }
    Ints sums = vpaddq_s32(halves[0], halves[1]);
    if constexpr (Format::kZero != 0) sums += x.start[place * width + kLast];
    Floats& total = acc[place % kSumParts][kLast];
    total = fma(to_floats(sums) * scale, group.scale[part], total);
    if constexpr (Format::kMins) total = fma(group.min[part], splat(x.sum[place * width + kLast]), total);
  }
}

template <int width>
inline void store_columns(const Sums<width>& acc, float* tile, size_t tile_stride) {
  Floats sums[width];
  for (int c = 0; c < width; ++c) {
    sums[c] = (acc[0][c] + acc[1][c]) + (acc[2][c] + acc[3][c]);
  }
  for (int c = 0; c + 2 <= width; c += 2) {
    store(tile + static_cast<size_t>(c) * tile_stride, vuzp1q_f32(sums[c], sums[c + 1]));
    store(tile + static_cast<size_t>(c + 1) * tile_stride, vuzp2q_f32(sums[c], sums[c + 1]));
  }
  if constexpr (width % 2 == 1) store(tile + (width - 1) * tile_stride, sums[width - 1]);
}

template <typename Format, int width>
inline void multiply_group(const uint8_t* rows, size_t row_bytes, int64_t k, const XBlock& block, float* tile,
                           size_t tile_stride) {
  constexpr int kSteps = Format::kBlock / kXGroup;
  constexpr int kBlockBytes = kLanes * Format::kBytes;
  const uint8_t* next = rows + kLanes * row_bytes;
  Sums<width> acc = {};
  for (int64_t i = 0; i < k / Format::kBlock; ++i) {
    for (int line = 0; line < kBlockBytes; line += 64) prefetch(next + line);
    next += kBlockBytes;
    Format::unpack(
        rows, row_bytes, [&](int part, const Group& group) __attribute__((always_inline)) {
          const int64_t step = i * kSteps + part;
          add_pairs<Format, false, width>(squares_of<Format>(group), block, step, acc);
          if constexpr (width % 2 == 1) add_last<Format, width>(group, block, step, acc);
        });
    rows += Format::kBytes;
  }
  store_columns<width>(acc, tile, tile_stride);
}

template <typename Format, int width>
void multiply_rows(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const XBlock* x, float* tile,
                   size_t tile_stride) {
  const XBlock block = *x;
  for (int64_t row = 0; row < n_rows; row += kLanes) {
    multiply_group<Format, width>(rows + static_cast<size_t>(row) * row_bytes, row_bytes, k, block, tile + row,
                                  tile_stride);
  }
}

/// A panel holds for each 32 elements their words, centered, then the scales and the minimums of squares.
template <typename Format>
constexpr size_t kPanelStep = sizeof(Words) * (8 + 2 * kParts<Format> * (Format::kMins ? 2 : 1));

template <typename Format>
void pack_panel(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* panel) {
  for (int64_t i = 0; i < k / Format::kBlock; ++i) {
    Format::unpack(
        rows, row_bytes, [&](int step, const Group& group) __attribute__((always_inline)) {
          const Squares squares = squares_of<Format>(group);
          uint8_t* out = panel + static_cast<size_t>(step) * kPanelStep<Format>;
          const auto put = [&](Words words) __attribute__((always_inline)) {
            store_words(out, words);
            out += sizeof(words);
          };
          const uint8x16_t zeros = vdupq_n_u8(Format::kZero);
          for (const Words& words : squares.w) {
            put(vreinterpretq_u32_u8(vsubq_u8(vreinterpretq_u8_u32(words), zeros)));
          }
          for (int part = 0; part < kParts<Format>; ++part) {
            for (const Floats& scale : squares.scale[part]) put((Words)scale);
            if constexpr (Format::kMins) {
              for (const Floats& min : squares.min[part]) put((Words)min);
            }
          }
        });
    panel += Format::kBlock / kXGroup * kPanelStep<Format>;
    rows += Format::kBytes;
  }
}

template <typename Format>
void multiply_panel(const uint8_t* panel, int64_t k, const XBlock* x, float* tile, size_t tile_stride) {
  const XBlock block = *x;
  Sums<kWide> acc = {};
  for (int64_t step = 0; step < k / kXGroup; ++step) {
    Squares squares;
    const auto get = [&]() __attribute__((always_inline)) {
      const Words words = load_words(panel);
      panel += sizeof(words);
      return words;
    };
    for (Words& words : squares.w) words = get();
    for (int part = 0; part < kParts<Format>; ++part) {
      for (Floats& scale : squares.scale[part]) scale = (Floats)get();
      if constexpr (Format::kMins) {
        for (Floats& min : squares.min[part]) min = (Floats)get();
      }
    }
    add_pairs<Format, true, kWide>(squares, block, step, acc);
  }
  store_columns<kWide>(acc, tile, tile_stride);
}

template <typename Format>
void multiply_panels(const uint8_t* panels, int n_panels, int64_t k, const XBlock* x, float* tile,
                     size_t tile_stride) {
  for (int i = 0; i < n_panels; ++i, panels += static_cast<size_t>(k / kXGroup) * kPanelStep<Format>, tile += kLanes) {
    multiply_panel<Format>(panels, k, x, tile, tile_stride);
  }
}

template <typename Format>
constexpr LanesType pairs_type() {
  return {.lanes = kLanes,
          .block = Format::kBlock,
          .per = Format::kPer,
          .zero_point = Format::kZero,
          .minimums = Format::kMins,
          .panel_step = kPanelStep<Format>,
          .narrow = {multiply_rows<Format, 1>, multiply_rows<Format, 2>, multiply_rows<Format, 3>,
                     multiply_rows<Format, 4>, multiply_rows<Format, 5>, multiply_rows<Format, 6>,
                     multiply_rows<Format, 7>, multiply_rows<Format, 8>},
          .wide = multiply_rows<Format, kWide>,
          .pack = pack_panel<Format>,
          .multiply_panels = multiply_panels<Format>,
          .pack_tiles = nullptr};
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
