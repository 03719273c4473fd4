// Products of panels of Q8_0's and blocks of x whose scales are the same in each kCoarseGroup. Wants formats_32.inl and
// products.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Sums stay in memory. Here nothing has to be the same as in strips, so they are in one part.
template <int n_groups>
using CoarseSums = Floats[kWide][n_groups];

/// The products of n_steps times 32 elements from `step` on and of columns [first, first + kColumnsAtOnce). With
/// `begins` they are the first of their sums.
template <int n_groups, bool begins>
inline __attribute__((always_inline)) void add_coarse_columns(const uint8_t* panel, size_t apart, const XBlock& x,
                                                              int64_t step, int n_steps, int first,
                                                              CoarseSums<n_groups>& acc) {
  const int8_t* q = x.q + step * (kXGroup * kWide) + 4 * first;
  const float* scale = x.scale + step * kWide + first;
  Ints sums[kColumnsAtOnce][n_groups];
  for (int c = 0; c < kColumnsAtOnce; ++c) {
    for (int g = 0; g < n_groups; ++g) {
      sums[c][g] = Q8_0::kZero == 0 ? Ints{} : Ints{} + x.start[step * kWide + first + c];
    }
  }
  for (int i = 0; i < n_steps; ++i) {
    add_group<Q8_0::kMax, 8>(sums, panel + static_cast<size_t>(i) * kPanelStep<Q8_0>, apart, q + i * (kXGroup * kWide),
                             kWide);
  }
  for (int g = 0; g < n_groups; ++g) {
    const auto of_group = (Floats)load_words(panel + 8 * sizeof(Words) + g * apart);
    for (int c = 0; c < kColumnsAtOnce; ++c) {
      Floats& total = acc[first + c][g];
      total = fma(to_floats(sums[c][g]) * splat(scale[c]), of_group, begins ? Floats{} : total);
    }
  }
}

template <int n_groups, bool begins>
inline __attribute__((always_inline)) void add_coarse_group(const uint8_t* panel, size_t apart, const XBlock& x,
                                                            int64_t step, int n_steps, CoarseSums<n_groups>& acc) {
  static_assert(kWide % kColumnsAtOnce == 0);
#pragma GCC unroll 1
  for (int first = 0; first < kWide; first += kColumnsAtOnce) {
    add_coarse_columns<n_groups, begins>(panel, apart, x, step, n_steps, first, acc);
  }
}

template <int n_panels>
void multiply_whole_coarse_panels(const uint8_t* panels, int64_t k, const XBlock* x, float* tile, size_t tile_stride) {
  constexpr int kSteps = kCoarseGroup / kXGroup;
  const XBlock block = *x;
  const int64_t n_steps = k / kXGroup;
  const size_t apart = static_cast<size_t>(n_steps) * kPanelStep<Q8_0>;
  const auto steps_from = [=](int64_t step) { return static_cast<int>(n_steps - step < kSteps ? n_steps - step : kSteps); };
  CoarseSums<n_panels> acc;
  add_coarse_group<n_panels, true>(panels, apart, block, 0, steps_from(0), acc);
  for (int64_t step = kSteps; step < n_steps; step += kSteps) {
    panels += kSteps * kPanelStep<Q8_0>;
    add_coarse_group<n_panels, false>(panels, apart, block, step, steps_from(step), acc);
  }
  for (int c = 0; c < kWide; ++c) {
    for (int g = 0; g < n_panels; ++g) store(tile + static_cast<size_t>(c) * tile_stride + g * kLanes, acc[c][g]);
  }
}

}  // namespace

void multiply_coarse_panels(const uint8_t* panels, int n_panels, int64_t k, const XBlock* x, float* tile,
                            size_t tile_stride) {
  if (n_panels == kGroupsAtOnce)
    return multiply_whole_coarse_panels<kGroupsAtOnce>(panels, k, x, tile, tile_stride);
  for (int i = 0; i < n_panels; ++i, panels += static_cast<size_t>(k / kXGroup) * kPanelStep<Q8_0>, tile += kLanes) {
    multiply_whole_coarse_panels<1>(panels, k, x, tile, tile_stride);
  }
}

}  // namespace ondol::cpu::ONDOL_ISA
