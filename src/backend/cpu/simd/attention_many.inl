// Attention of many queries (prefill): lanes run along queries, so that softmax needs no sums across lanes. Keys and
// values are decoded once per step and block of queries; both products are one kernel, tile(), over
//   logits [position][query] = keys [position][k] * queries [k][query]
//   result [v][query]        = values [position][v] transposed * weights [position][query]
// The including file has read attention_rows.inl and math.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// A matrix that is read one element at a time: element (i, k) is at a + i * row + k * column.
struct Broadcast {
  const float* a;
  size_t row;
  size_t column;
};

/// c [kRows][kVectors] = keep * c + a [kRows][depth] b [depth][kVectors]; the rows of b and c lie `width` floats apart.
/// Without keep, c starts from zero.
template <int kRows, int kVectors>
inline void tile(Broadcast a, const float* b, int depth, size_t width, const float* keep, float* c) {
  F sums[kRows][kVectors];
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kVectors; ++j) {
      sums[i][j] =
          keep == nullptr ? zero() : load(c + static_cast<size_t>(i) * width + j * kLanes) * load(keep + j * kLanes);
    }
  }
  const float* rows[kRows];
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) rows[i] = a.a + static_cast<size_t>(i) * a.row;
  for (int k = 0; k < depth; ++k) {
    F right[kVectors];
#pragma GCC unroll 12
    for (int j = 0; j < kVectors; ++j) right[j] = load(b + j * kLanes);
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
      const F left = splat(*rows[i]);
      rows[i] += a.column;
#pragma GCC unroll 12
      for (int j = 0; j < kVectors; ++j) sums[i][j] = fma(left, right[j], sums[i][j]);
    }
    b += width;
  }
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kVectors; ++j) store(c + static_cast<size_t>(i) * width + j * kLanes, sums[i][j]);
  }
}

/// As many tiles of kRows rows as fit below row n, from row i on.
template <int kRows, int kVectors>
inline int tiles(Broadcast a, const float* b, int i, int n, int depth, size_t width, const float* keep, float* c) {
  for (; i + kRows <= n; i += kRows) {
    const Broadcast rows = {a.a + static_cast<size_t>(i) * a.row, a.row, a.column};
    tile<kRows, kVectors>(rows, b, depth, width, keep, c + static_cast<size_t>(i) * width);
  }
  return i;
}

/// All `n` rows of c for kVectors vectors of columns, from `column` on.
template <int kVectors>
inline void columns_of_product(Broadcast a, const float* b, int n, int depth, size_t width, const float* keep, float* c,
                               size_t column) {
  const float* factors = keep == nullptr ? nullptr : keep + column;
  int i = 0;
  // One vector needs more rows to have as many sums under way.
  if (kVectors == 1) i = tiles<2 * kTileRows, 1>(a, b + column, i, n, depth, width, factors, c + column);
  i = tiles<kTileRows, kVectors>(a, b + column, i, n, depth, width, factors, c + column);
  i = tiles<2, kVectors>(a, b + column, i, n, depth, width, factors, c + column);
  tiles<1, kVectors>(a, b + column, i, n, depth, width, factors, c + column);
}

inline void product(Broadcast a, const float* b, int n, int depth, size_t width, const float* keep, float* c) {
  size_t column = 0;
  for (; column + kTileVectors * kLanes <= width; column += kTileVectors * kLanes) {
    columns_of_product<kTileVectors>(a, b, n, depth, width, keep, c, column);
  }
  for (; column + 2 * kLanes <= width; column += 2 * kLanes) {
    columns_of_product<2>(a, b, n, depth, width, keep, c, column);
  }
  if (column < width) columns_of_product<1>(a, b, n, depth, width, keep, c, column);
}

/// Memory of a block of queries. `width` is their number, rounded up to whole vectors.
struct Block {
  size_t width;
  float* queries;  // [k_dim][width], scaled
  float* keys;     // [kAttentionStep][k_dim]
  float* values;   // [kAttentionStep][v_dim], or keys
  size_t value_stride;
  float* logits;  // [kAttentionStep][width]
  float* result;  // [v_dim][width]
  float* largest;
  float* total;
  float* keep;
  float* seen_begin;
  float* seen_end;
};

inline Block lay_out(const AttentionTask& task) {
  const auto k_dim = static_cast<size_t>(task.kv.k_dim);
  const auto v_dim = static_cast<size_t>(task.kv.v_dim);
  const auto n = static_cast<size_t>(task.n_rows * task.group);
  Block block;
  block.width = (n + kLanes - 1) / kLanes * kLanes;
  float* next = task.scratch;
  auto take = [&next](size_t floats) {
    float* start = next;
    next += (floats + 15) / 16 * 16;
    return start;
  };
  block.queries = take(k_dim * block.width);
  block.keys = take(kAttentionStep * k_dim);
  block.values = task.kv.v_in_k ? block.keys : take(kAttentionStep * v_dim);
  block.value_stride = task.kv.v_in_k ? k_dim : v_dim;
  block.logits = take(kAttentionStep * block.width);
  block.result = take(v_dim * block.width);
  block.largest = take(block.width);
  block.total = take(block.width);
  block.keep = take(block.width);
  block.seen_begin = take(block.width);
  block.seen_end = take(block.width);
  return block;
}

inline void start_block(const AttentionTask& task, Block& block) {
  const int n = task.n_rows * task.group;
  for (int query = 0; query < static_cast<int>(block.width); ++query) {
    const bool real = query < n;
    const float* q = query_of(task, real ? query : 0);
    float* column = block.queries + query;
    for (int i = 0; i < task.kv.k_dim; ++i)
      column[static_cast<size_t>(i) * block.width] = real ? q[i] * task.scale : 0.0f;
    // Whole numbers up to 2^24 are exact, far beyond any cache.
    const Range seen = real ? seen_by(task, query / task.group) : Range{0, 0};
    block.seen_begin[query] = static_cast<float>(seen.begin);
    block.seen_end[query] = static_cast<float>(seen.end);
    block.largest[query] = kLowest;
    block.total[query] = 0;
  }
  for (size_t i = 0; i < static_cast<size_t>(task.kv.v_dim) * block.width; ++i) block.result[i] = 0;
}

inline void hide_unseen(const Block& block, int begin, int n) {
  for (size_t column = 0; column < block.width; column += kLanes) {
    const F from = load(block.seen_begin + column);
    const F to = load(block.seen_end + column);
    for (int p = 0; p < n; ++p) {
      float* logits = block.logits + static_cast<size_t>(p) * block.width + column;
      const F position = splat(static_cast<float>(begin + p));
      const F hidden = splat(kMinusInfinity);
      store(logits, if_less(position, from, hidden, if_less(position, to, load(logits), hidden)));
    }
  }
}

inline void cap_logits(const Block& block, int n, float softcap) {
  const F cap = splat(softcap);
  const F inverse = splat(1.0f / softcap);
  for (size_t i = 0; i < static_cast<size_t>(n) * block.width; i += kLanes) {
    store(block.logits + i, cap * tanh(load(block.logits + i) * inverse));
  }
}

/// Turns logits into weights, and sets what earlier results are to be multiplied by.
inline void weigh_block(const Block& block, int n) {
  for (size_t column = 0; column < block.width; column += kLanes) {
    float* logits = block.logits + column;
    const F before = load(block.largest + column);
    F largests[2] = {before, before};
    int p = 0;
    for (; p + 2 <= n; p += 2) {
      for (int i = 0; i < 2; ++i)
        largests[i] = max(largests[i], load(logits + static_cast<size_t>(p + i) * block.width));
    }
    if (p < n) largests[0] = max(largests[0], load(logits + static_cast<size_t>(p) * block.width));
    const F now = max(largests[0], largests[1]);
    const F keep = exp(before - now);
    F total = load(block.total + column) * keep;
    for (p = 0; p < n; ++p) {
      float* place = logits + static_cast<size_t>(p) * block.width;
      const F weight = exp(load(place) - now);
      store(place, weight);
      total = total + weight;
    }
    store(block.largest + column, now);
    store(block.keep + column, keep);
    store(block.total + column, total);
  }
}

inline void finish_block(const AttentionTask& task, const Block& block) {
  const int n = task.n_rows * task.group;
  for (int query = 0; query < n; ++query) {
    float* out = out_of(task, query);
    for (int i = 0; i < task.kv.v_dim; ++i)
      out[i] = block.result[static_cast<size_t>(i) * block.width + static_cast<size_t>(query)];
    store_statistics(task, query, block.largest[query], block.total[query]);
  }
}

inline void attend_many(const AttentionTask& task) {
  Block block = lay_out(task);
  start_block(task, block);
  const Range first = seen_by(task, 0);
  const Range last = seen_by(task, task.n_rows - 1);
  StepRows rows;
  for (int begin = first.begin / kAttentionStep * kAttentionStep; begin < last.end; begin += kAttentionStep) {
    const int start = most(begin, first.begin);
    const int n = least(begin + kAttentionStep, last.end) - start;
    find_rows(task.kv, start, n, rows);
    const auto k_dim = static_cast<size_t>(task.kv.k_dim);
    decode_rows(task.kv.k_type, rows.k, n, task.kv.k_dim, block.keys);
    product({block.keys, k_dim, 1}, block.queries, n, task.kv.k_dim, block.width, nullptr, block.logits);
    if (task.softcap > 0) cap_logits(block, n, task.softcap);
    // Ends grow with rows, so the first and the last query say whether all see the whole step.
    if (start < last.begin || start + n > first.end) hide_unseen(block, start, n);
    weigh_block(block, n);
    if (!task.kv.v_in_k) decode_rows(task.kv.v_type, rows.v, n, task.kv.v_dim, block.values);
    product({block.values, 1, block.value_stride}, block.logits, task.kv.v_dim, n, block.width, block.keep,
            block.result);
  }
  finish_block(task, block);
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
