// The products of lanes of weights and blocks of x, for any format of formats_*.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

template <typename Format>
constexpr int kGroupsPerStep = kXGroup / Format::kPer;

/// A sum of few columns is kept in as many parts as strips/products.inl keeps it in, so that both give the same.
template <int width>
constexpr int kSumParts = width <= kNarrow ? 4 : 1;

/// acc[c] += the products of 32 weights of every lane and 32 elements of column c, for columns [first, first + n).
template <typename Format, int first, int n, int width>
inline __attribute__((always_inline)) void add_columns(const Group& group, const XBlock& x, int64_t step,
                                                       Floats (&acc)[width][kSumParts<width>]) {
  constexpr int kParts = kGroupsPerStep<Format>;
  constexpr int kWords = 8 / kParts;
  const int8_t* q = x.q + step * (kXGroup * width) + 4 * first;
  const float* scale = x.scale + step * width + first;
  for (int part = 0; part < kParts; ++part) {
    const int64_t place = step * kParts + part;
    Ints sums[n];
    for (int c = 0; c < n; ++c) {
      sums[c] = Format::kZero == 0 ? Ints{} : Ints{} + x.start[place * width + first + c];
    }
    add_group<Format::kMax, kWords>(sums, group.w + part * kWords, q + part * kWords * 4 * width, width);
    for (int c = 0; c < n; ++c) {
      Floats& total = acc[first + c][place % kSumParts<width>];
      total = fma(to_floats(sums[c]) * splat(scale[c]), group.scale[part], total);
      if constexpr (Format::kMins) total = fma(group.min[part], splat(x.sum[place * width + first + c]), total);
    }
  }
}

template <typename Format, int width, int first = 0>
inline __attribute__((always_inline)) void add_step(const Group& group, const XBlock& x, int64_t step,
                                                    Floats (&acc)[width][kSumParts<width>]) {
  constexpr int kColumns = width - first < kColumnsAtOnce ? width - first : kColumnsAtOnce;
  add_columns<Format, first, kColumns, width>(group, x, step, acc);
  if constexpr (first + kColumns < width) add_step<Format, width, first + kColumns>(group, x, step, acc);
}

template <int width>
inline void store_sums(const Floats (&acc)[width][kSumParts<width>], float* tile) {
  for (int c = 0; c < width; ++c) {
    if constexpr (kSumParts<width> == 1) {
      store(tile + c * kLanes, acc[c][0]);
    } else {
      store(tile + c * kLanes, (acc[c][0] + acc[c][1]) + (acc[c][2] + acc[c][3]));
    }
  }
}

template <typename Format, int width>
void multiply_lanes(const uint8_t* rows, size_t row_bytes, int64_t k, const XBlock* x, const uint8_t* next,
                    float* tile) {
  constexpr int kSteps = Format::kBlock / kXGroup;
  constexpr int kBlockBytes = kLanes * Format::kBytes;
  const XBlock block = *x;
  Floats acc[width][kSumParts<width>] = {};
  for (int64_t i = 0; i < k / Format::kBlock; ++i) {
    if (next != nullptr) {
      for (int line = 0; line < kBlockBytes; line += 64) prefetch(next + line);
      next += kBlockBytes;
    }
    Format::unpack(
        rows, row_bytes, [&](int step, const Group& group) __attribute__((always_inline)) {
          add_step<Format, width>(group, block, i * kSteps + step, acc);
        });
    rows += Format::kBytes;
  }
  store_sums<width>(acc, tile);
}

/// A panel holds for each 32 elements their words, then their scales, then their minimums.
template <typename Format>
constexpr size_t kPanelStep = sizeof(Words) * (8 + kGroupsPerStep<Format> * (Format::kMins ? 2 : 1));

template <typename Format>
void pack_panel(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* panel) {
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

template <typename Format>
void multiply_panel(const uint8_t* panel, int64_t k, const XBlock* x, float* tile) {
  constexpr int kParts = kGroupsPerStep<Format>;
  const XBlock block = *x;
  Floats acc[kWide][1] = {};
  for (int64_t step = 0; step < k / kXGroup; ++step) {
    Group group;
    const uint8_t* p = panel + static_cast<size_t>(step) * kPanelStep<Format>;
    for (int j = 0; j < 8; ++j, p += sizeof(Words)) group.w[j] = load_words(p);
    for (int part = 0; part < kParts; ++part, p += sizeof(Words)) group.scale[part] = (Floats)load_words(p);
    if constexpr (Format::kMins) {
      for (int part = 0; part < kParts; ++part, p += sizeof(Words)) group.min[part] = (Floats)load_words(p);
    }
    add_step<Format, kWide>(group, block, step, acc);
  }
  store_sums<kWide>(acc, tile);
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
  static_assert(kFew == 6 && kNarrow == 8);
  return {.lanes = kLanes,
          .block = Format::kBlock,
          .per = Format::kPer,
          .zero_point = Format::kZero,
          .minimums = Format::kMins,
          .panel_step = kPanelStep<Format>,
          // Strips multiply blocks of at most kFew rows.
          .narrow = {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, multiply_lanes<Format, 7>,
                     multiply_lanes<Format, 8>},
          .wide = multiply_lanes<Format, kWide>,
          .pack = pack_panel<Format>,
          .multiply_panel = multiply_panel<Format>,
          .pack_tiles = tile_packer<Format>()};
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
