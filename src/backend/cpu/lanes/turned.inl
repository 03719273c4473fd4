// Columns rounded to 8 bits, for products of turned operands: they sum over rows, which lie apart. Four rows of a column
// make a word, so that nothing has to be moved between lanes. Wants formats_32.inl and products.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// kXGroup rows of kLanes columns: signed bytes, and a scale for each column.
struct TurnedGroup {
  Words w[8];
  Floats scale;
};

/// load(i) gives row i of kLanes columns.
template <typename Load>
inline __attribute__((always_inline)) TurnedGroup round_turned(Load load) {
  // Adding this leaves the nearest integer in the low bits.
  constexpr float kRounder = 12582912.0f;
  Floats rows[kXGroup];
  Ints largest = {};
  for (int i = 0; i < kXGroup; ++i) {
    rows[i] = load(i);
    // Magnitudes are compared as integers, which orders them alike.
    const Ints magnitude = (Ints)rows[i] & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
  }
  const auto of_column = (Floats)largest;
  const Floats factor = of_column > 0.0f ? 127.0f / of_column : Floats{};
  TurnedGroup group;
  for (int j = 0; j < 8; ++j) {
    group.w[j] = Words{};
    for (int b = 0; b < 4; ++b) {
      group.w[j] |= ((Words)fma(rows[4 * j + b], factor, splat(kRounder)) & 0xffu) << (8 * b);
    }
  }
  group.scale = of_column * (1.0f / 127.0f);
  return group;
}

inline Floats load_turned(const float* row) {
  Floats values;
  __builtin_memcpy(&values, row, sizeof(values));
  return values;
}

/// BF16.
inline Floats load_turned(const uint16_t* row) {
  uint16_t halves __attribute__((vector_size(2 * kLanes)));
  __builtin_memcpy(&halves, row, sizeof(halves));
  return (Floats)(__builtin_convertvector(halves, Words) << 16);
}

/// Rows from `n_rows` on are zeros.
template <typename Number>
inline TurnedGroup round_turned_rows(const Number* first, size_t stride, int n_rows) {
  if (n_rows >= kXGroup) {
    return round_turned([=](int i) { return load_turned(first + static_cast<size_t>(i) * stride); });
  }
  return round_turned([=](int i) { return i < n_rows ? load_turned(first + static_cast<size_t>(i) * stride) : Floats{}; });
}

/// Sums of the signed bytes of n words of each lane.
inline Ints sum_of_bytes(const Words* words, int n) {
  Ints sum = {};
  for (int j = 0; j < n; ++j) {
    for (int b = 0; b < 4; ++b) sum += (Ints)(words[j] << (24 - 8 * b)) >> 24;
  }
  return sum;
}

void round_turned_x(const float* x, size_t stride, int n_rows, int8_t* q, float* scale, int32_t* sums) {
  static_assert(kWide % kLanes == 0);
  for (int first = 0; first < kWide; first += kLanes) {
    const TurnedGroup group = round_turned_rows(x + first, stride, n_rows);
    for (int j = 0; j < 8; ++j) __builtin_memcpy(q + (j * kWide + first) * 4, &group.w[j], sizeof(Words));
    store(scale + first, group.scale);
    for (int half = 0; half < 2; ++half) {
      const Ints sum = sum_of_bytes(group.w + 4 * half, 4);
      __builtin_memcpy(sums + half * kWide + first, &sum, sizeof(sum));
    }
  }
}

/// A panel of Q8_0's.
template <typename Number>
void pack_turned(const Number* weights, size_t stride, int n, int64_t k, uint8_t* panel) {
  // What is missing of the last lanes is read from zeros.
  Number filled[kXGroup * kLanes] = {};
  for (int64_t row = 0; row < k; row += kXGroup, panel += kPanelStep<Q8_0>) {
    const int n_rows = k - row < kXGroup ? static_cast<int>(k - row) : kXGroup;
    const Number* first = weights + static_cast<size_t>(row) * stride;
    for (int i = 0; n < kLanes && i < n_rows; ++i) {
      __builtin_memcpy(filled + i * kLanes, first + static_cast<size_t>(i) * stride, static_cast<size_t>(n) * sizeof(Number));
    }
    const TurnedGroup group =
        n < kLanes ? round_turned_rows(filled, kLanes, n_rows) : round_turned_rows(first, stride, n_rows);
    for (int j = 0; j < 8; ++j) store_words(panel + j * sizeof(Words), group.w[j] ^ (kSignedOffset * 0x01010101u));
    store_words(panel + 8 * sizeof(Words), (Words)group.scale);
  }
}

}  // namespace

const TurnedKernels kTurned = {
    .round_x = round_turned_x, .pack_f32 = pack_turned<float>, .pack_bf16 = pack_turned<uint16_t>};

}  // namespace ondol::cpu::ONDOL_ISA
