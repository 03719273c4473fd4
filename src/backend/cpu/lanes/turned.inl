// Columns rounded to 8 bits, for products of turned operands: they sum over rows, which lie apart. Four rows of a column
// make a word, so that nothing has to be moved between lanes. Wants formats_32.inl and products.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// kCoarseGroup rows of kLanes columns.
struct TurnedRows {
  Floats rows[kCoarseGroup];
  int n;          // the others are not there; a multiple of kXGroup, with zeros at the end
  Floats factor;  // of each column, to round by
  Floats scale;
};

/// Signed bytes of rows [first, first + 4), a word for each column.
inline Words round_four(const TurnedRows& rows, int first) {
  // Adding this leaves the nearest integer in the low bits.
  constexpr float kRounder = 12582912.0f;
  Words four = {};
  for (int b = 0; b < 4; ++b) {
    four |= ((Words)fma(rows.rows[first + b], rows.factor, splat(kRounder)) & 0xffu) << (8 * b);
  }
  return four;
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

/// At most kCoarseGroup rows.
template <typename Number>
inline void load_turned_rows(const Number* first, size_t stride, int n_rows, TurnedRows& to) {
  Ints largest = {};
  for (int i = 0; i < n_rows; ++i) {
    to.rows[i] = load_turned(first + static_cast<size_t>(i) * stride);
    // Magnitudes are compared as integers, which orders them alike.
    const Ints magnitude = (Ints)to.rows[i] & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
  }
  for (to.n = n_rows; to.n % kXGroup != 0; ++to.n) to.rows[to.n] = Floats{};
  const auto of_column = (Floats)largest;
  to.factor = of_column > 0.0f ? 127.0f / of_column : Floats{};
  to.scale = of_column * (1.0f / 127.0f);
}

/// Sums of the signed bytes of n words of each lane.
inline Ints sum_of_bytes(const Words* words, int n) {
  Ints sum = {};
  for (int j = 0; j < n; ++j) {
    for (int b = 0; b < 4; ++b) sum += (Ints)(words[j] << (24 - 8 * b)) >> 24;
  }
  return sum;
}

/// A panel of Q8_0's.
template <typename Number>
inline void pack_turned(const Number* weights, size_t stride, int n, int64_t k, uint8_t* panel) {
  // What is missing of the last lanes is read from zeros.
  Number filled[kCoarseGroup * kLanes] = {};
  TurnedRows rows;
  for (int64_t row = 0; row < k; row += kCoarseGroup) {
    const int n_rows = k - row < kCoarseGroup ? static_cast<int>(k - row) : kCoarseGroup;
    const Number* first = weights + static_cast<size_t>(row) * stride;
    for (int i = 0; n < kLanes && i < n_rows; ++i) {
      __builtin_memcpy(filled + i * kLanes, first + static_cast<size_t>(i) * stride, static_cast<size_t>(n) * sizeof(Number));
    }
    if (n < kLanes) {
      load_turned_rows(filled, kLanes, n_rows, rows);
    } else {
      load_turned_rows(first, stride, n_rows, rows);
    }
    for (int i = 0; i < rows.n; i += kXGroup, panel += kPanelStep<Q8_0>) {
      for (int j = 0; j < 8; ++j) {
        store_words(panel + j * sizeof(Words), round_four(rows, i + 4 * j) ^ (kSignedOffset * 0x01010101u));
      }
      store_words(panel + 8 * sizeof(Words), (Words)rows.scale);
    }
  }
}

}  // namespace

void round_turned_x(const float* x, size_t stride, int n_rows, int8_t* q, float* scale, int32_t* sums) {
  static_assert(kWide % kLanes == 0);
  TurnedRows rows;
  for (int first = 0; first < kWide; first += kLanes) {
    load_turned_rows(x + first, stride, n_rows, rows);
    for (int half = 0; half < 2 * rows.n / kXGroup; ++half) {
      Words words[4];
      for (int j = 0; j < 4; ++j) {
        words[j] = round_four(rows, half * 16 + 4 * j);
        __builtin_memcpy(q + ((4 * half + j) * kWide + first) * 4, &words[j], sizeof(Words));
      }
      const Ints sum = sum_of_bytes(words, 4);
      __builtin_memcpy(sums + half * kWide + first, &sum, sizeof(sum));
      if (half % 2 == 0) store(scale + half / 2 * kWide + first, rows.scale);
    }
  }
}

void pack_turned_f32(const float* weights, size_t stride, int n, int64_t k, uint8_t* panel) {
  pack_turned(weights, stride, n, k, panel);
}

void pack_turned_bf16(const uint16_t* weights, size_t stride, int n, int64_t k, uint8_t* panel) {
  pack_turned(weights, stride, n, k, panel);
}

}  // namespace ondol::cpu::ONDOL_ISA
