// The products of lanes of weights and blocks of x, for any format of formats_*.inl.
//
// Weights are unpacked in slabs: some columns of one or two neighbouring groups of lanes, which stay in the first-level
// cache while all columns of x meet them. Each four bytes of x are loaded once for all groups.
namespace ondol::cpu::ONDOL_ISA {
namespace {

template <typename Format>
constexpr int kGroupsPerStep = kXGroup / Format::kPer;

/// Sums are kept in as many parts as strips/products.inl keeps them in, so that both give the same. They stay in
/// memory.
constexpr int kSumParts = 4;

/// The sums of some groups of lanes.
template <int width, int n_groups>
using Sums = Floats[kSumParts][width][n_groups];

/// A panel holds for each 32 elements their words, then their scales, then their minimums.
template <typename Format>
constexpr size_t kPanelStep = sizeof(Words) * (8 + kGroupsPerStep<Format> * (Format::kMins ? 2 : 1));

/// Not inlined: unpacking is long, and there are many callers.
template <typename Format>
__attribute__((noinline)) void pack_panel(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* panel) {
  constexpr int kParts = kGroupsPerStep<Format>;
  for (int64_t i = 0; i < k / Format::kBlock; ++i) {
    Format::unpack(
        rows, row_bytes, [&](int step, const Group& group) __attribute__((always_inline)) {
          uint8_t* out = panel + static_cast<size_t>(step) * kPanelStep<Format>;
          for (int j = 0; j < 8; ++j, out += sizeof(Words)) store_words(out, group.w[j]);
          for (int part = 0; part < kParts; ++part, out += sizeof(Words)) store_words(out, (Words)group.scale[part]);
          if constexpr (Format::kMins) {
            for (int part = 0; part < kParts; ++part, out += sizeof(Words)) store_words(out, (Words)group.min[part]);
          }
        });
    panel += Format::kBlock / kXGroup * kPanelStep<Format>;
    rows += Format::kBytes;
  }
}

/// Adds the products of 32 elements (those of panels `apart` bytes from one another) and of columns [first, first + n).
/// With `begins` they are the first of their parts of the sums, which hold nothing yet.
template <typename Format, int n, int width, int n_groups, bool begins>
inline __attribute__((always_inline)) void add_columns(const uint8_t* panel, size_t apart, const XBlock& x,
                                                       int64_t step, int first, Sums<width, n_groups>& acc) {
  constexpr int kParts = kGroupsPerStep<Format>;
  constexpr int kWords = 8 / kParts;
  const int8_t* q = x.q + step * (kXGroup * width) + 4 * first;
  const float* scale = x.scale + step * width + first;
  for (int part = 0; part < kParts; ++part) {
    const int64_t place = step * kParts + part;
    Ints sums[n][n_groups];
    for (int c = 0; c < n; ++c) {
      for (int g = 0; g < n_groups; ++g) {
        sums[c][g] = Format::kZero == 0 ? Ints{} : Ints{} + x.start[place * width + first + c];
      }
    }
    add_group<Format::kMax, kWords>(sums, panel + part * kWords * sizeof(Words), apart, q + part * kWords * 4 * width,
                                    width);
    const uint8_t* scales = panel + (8 + part) * sizeof(Words);
    const uint8_t* mins = scales + kParts * sizeof(Words);
    auto& totals = acc[place % kSumParts];
    for (int g = 0; g < n_groups; ++g, scales += apart, mins += apart) {
      const auto of_group = (Floats)load_words(scales);
      for (int c = 0; c < n; ++c) {
        Floats& total = totals[first + c][g];
        total = fma(to_floats(sums[c][g]) * splat(scale[c]), of_group, begins ? Floats{} : total);
        if constexpr (Format::kMins) {
          total = fma((Floats)load_words(mins), splat(x.sum[place * width + first + c]), total);
        }
      }
    }
  }
}

template <typename Format, int width, int n_groups, bool begins = false>
inline __attribute__((always_inline)) void add_step(const uint8_t* panel, size_t apart, const XBlock& x, int64_t step,
                                                    Sums<width, n_groups>& acc) {
  constexpr int kRest = width % kColumnsAtOnce;
  if constexpr (width >= kColumnsAtOnce) {
#pragma GCC unroll 1
    for (int first = 0; first < width - kRest; first += kColumnsAtOnce) {
      add_columns<Format, kColumnsAtOnce, width, n_groups, begins>(panel, apart, x, step, first, acc);
    }
  }
  if constexpr (kRest > 0) {
    add_columns<Format, kRest, width, n_groups, begins>(panel, apart, x, step, width - kRest, acc);
  }
}

template <int width, int n_groups>
inline void store_sums(const Sums<width, n_groups>& acc, float* tile, size_t tile_stride) {
  for (int c = 0; c < width; ++c) {
    for (int g = 0; g < n_groups; ++g) {
      float* to = tile + static_cast<size_t>(c) * tile_stride + g * kLanes;
      store(to, (acc[0][c][g] + acc[1][c][g]) + (acc[2][c][g] + acc[3][c][g]));
    }
  }
}

/// Columns in a slab.
constexpr int kSlab = 256;
/// How many slabs ahead memory is asked for; from there it comes to the second-level cache.
constexpr int kSlabsAhead = 3;

/// Asks for part `step` of the kSlab / kXGroup parts of a slab of n_rows rows.
template <typename Format, int n_rows, void (*ask)(const uint8_t*)>
inline __attribute__((always_inline)) void fetch_part(const uint8_t* slab, size_t row_bytes, int step) {
  constexpr int kSlabBytes = kSlab / Format::kBlock * Format::kBytes;
  constexpr int kRows = n_rows * kXGroup / kSlab > 0 ? n_rows * kXGroup / kSlab : 1;
  if (step * kRows >= n_rows) return;
  for (int r = 0; r < kRows; ++r) {
    const uint8_t* row = slab + static_cast<size_t>(step * kRows + r) * row_bytes;
    for (int byte = 0; byte < kSlabBytes; byte += 64) ask(row + byte);
  }
}

template <typename Format, int width, int n_groups>
inline void multiply_groups(const uint8_t* rows, size_t row_bytes, int64_t k, const XBlock& x, float* tile,
                            size_t tile_stride) {
  constexpr size_t kPanel = kSlab / kXGroup * kPanelStep<Format>;
  constexpr int kRows = kLanes * n_groups;
  alignas(64) uint8_t panel[n_groups * kPanel];
  Sums<width, n_groups> acc = {};
  // The slab that begins at a column; beyond the last, those of the rows that follow.
  const auto slab_at = [&](int64_t column) {
    const uint8_t* of_rows = column < k ? rows : rows + kRows * row_bytes;
    return of_rows + static_cast<size_t>(column < k ? column : column - k) / Format::kBlock * Format::kBytes;
  };
  for (int64_t column = 0; column < k; column += kSlab) {
    const uint8_t* slab = slab_at(column);
    const int64_t n = k - column < kSlab ? k - column : kSlab;
    for (size_t g = 0; g < n_groups; ++g) {
      pack_panel<Format>(slab + g * kLanes * row_bytes, row_bytes, n, panel + g * kPanel);
    }
    const uint8_t* next = slab_at(column + n);
    const uint8_t* ahead = slab_at(column + kSlabsAhead * kSlab);
    for (int step = 0; step < n / kXGroup; ++step) {
      fetch_part<Format, kRows, prefetch>(next, row_bytes, step);
      fetch_part<Format, kRows, prefetch_far>(ahead, row_bytes, step);
      add_step<Format, width, n_groups>(panel + static_cast<size_t>(step) * kPanelStep<Format>, kPanel, x,
                                        column / kXGroup + step, acc);
    }
  }
  store_sums<width, n_groups>(acc, tile, tile_stride);
}

template <typename Format, int width>
void multiply_lanes(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const XBlock* x, float* tile,
                    size_t tile_stride) {
  constexpr int kRows = kLanes * kGroupsAtOnce;
  const XBlock block = *x;
  int64_t row = 0;
  for (; row + kRows <= n_rows; row += kRows) {
    multiply_groups<Format, width, kGroupsAtOnce>(rows + static_cast<size_t>(row) * row_bytes, row_bytes, k, block,
                                                  tile + row, tile_stride);
  }
  if constexpr (kGroupsAtOnce > 1) {
    for (; row < n_rows; row += kLanes) {
      multiply_groups<Format, width, 1>(rows + static_cast<size_t>(row) * row_bytes, row_bytes, k, block, tile + row,
                                        tile_stride);
    }
  }
}

template <typename Format, int n_panels>
void multiply_whole_panels(const uint8_t* panels, int64_t k, const XBlock* x, float* tile, size_t tile_stride) {
  const XBlock block = *x;
  constexpr int kFirstSteps = kSumParts / kGroupsPerStep<Format>;
  const int64_t n_steps = k / kXGroup;
  const size_t apart = static_cast<size_t>(n_steps) * kPanelStep<Format>;
  // Filling so much with zeros would take as long as several steps.
  Sums<kWide, n_panels> acc;
  int64_t step = 0;
  if (n_steps < kFirstSteps) {
    __builtin_memset(acc, 0, sizeof(acc));
  } else {
    for (; step < kFirstSteps; ++step, panels += kPanelStep<Format>) {
      add_step<Format, kWide, n_panels, true>(panels, apart, block, step, acc);
    }
  }
  for (; step < n_steps; ++step, panels += kPanelStep<Format>) {
    add_step<Format, kWide, n_panels>(panels, apart, block, step, acc);
  }
  store_sums<kWide, n_panels>(acc, tile, tile_stride);
}

template <typename Format>
void multiply_panels(const uint8_t* panels, int n_panels, int64_t k, const XBlock* x, float* tile,
                     size_t tile_stride) {
  if (n_panels == kGroupsAtOnce)
    return multiply_whole_panels<Format, kGroupsAtOnce>(panels, k, x, tile, tile_stride);
  for (int i = 0; i < n_panels; ++i, panels += static_cast<size_t>(k / kXGroup) * kPanelStep<Format>, tile += kLanes) {
    multiply_whole_panels<Format, 1>(panels, k, x, tile, tile_stride);
  }
}

template <typename Format>
constexpr PackKernel tile_packer() {
  if constexpr (kMayHaveTiles) {
    return pack_tiles<Format>;
  } else {
    return nullptr;
  }
}

template <typename Format>
constexpr LanesType lanes_type() {
  static_assert(kNarrow == 8);
  return {.lanes = kLanes,
          .block = Format::kBlock,
          .per = Format::kPer,
          .zero_point = Format::kZero,
          .minimums = Format::kMins,
          .panel_step = kPanelStep<Format>,
          .narrow = {nullptr, multiply_lanes<Format, 2>, multiply_lanes<Format, 3>, multiply_lanes<Format, 4>,
                     multiply_lanes<Format, 5>, multiply_lanes<Format, 6>, multiply_lanes<Format, 7>,
                     multiply_lanes<Format, 8>},
          .wide = multiply_lanes<Format, kWide>,
          .pack = pack_panel<Format>,
          .multiply_panels = multiply_panels<Format>,
          .pack_tiles = tile_packer<Format>()};
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
