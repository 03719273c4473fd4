// Attention of few queries (decoding): lanes run along a head's dimensions. Each key and value is read, decoded once,
// and met by up to four queries. The including file has read attention_rows.inl and math.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Queries that share the decoding of a row.
constexpr int kFew = 4;

/// What the softmax of up to kFew queries has seen so far.
struct FewState {
  float largest[kFew];
  float total[kFew];
  float keep[kFew];  // what the next step multiplies earlier results by
  float* out[kFew];
};

/// The products of kKeys keys with each query, not yet summed over lanes. q is [kQueries][k_dim], already scaled.
template <KvType kType, int kQueries>
inline void meet_keys(const uint8_t* const* rows, const float* q, int k_dim, F (&sums)[kQueries][kKeys]) {
#pragma GCC unroll 4
  for (int j = 0; j < kQueries; ++j) {
#pragma GCC unroll 4
    for (int p = 0; p < kKeys; ++p) sums[j][p] = zero();
  }
  int i = 0;
  for (; i + kLanes <= k_dim; i += kLanes) {
    F keys[kKeys];
#pragma GCC unroll 4
    for (int p = 0; p < kKeys; ++p) keys[p] = load_kv<kType>(rows[p], i);
#pragma GCC unroll 4
    for (int j = 0; j < kQueries; ++j) {
      const F query = load(q + j * k_dim + i);
#pragma GCC unroll 4
      for (int p = 0; p < kKeys; ++p) sums[j][p] = fma(keys[p], query, sums[j][p]);
    }
  }
  if (i < k_dim) {
    for (int p = 0; p < kKeys; ++p) {
      const F key = load_kv_part<kType>(rows[p], i, k_dim - i);
      for (int j = 0; j < kQueries; ++j) sums[j][p] = fma(key, load_part(q + j * k_dim + i, k_dim - i), sums[j][p]);
    }
  }
}

/// The dot products of four keys with each query, to logits [kQueries][kAttentionStep].
template <KvType kType, int kQueries>
inline void four_keys(const uint8_t* const* rows, const float* q, int k_dim, float* logits) {
  F all[kQueries][4];
#pragma GCC unroll 2
  for (int first = 0; first < 4; first += kKeys) {
    F sums[kQueries][kKeys];
    meet_keys<kType, kQueries>(rows + first, q, k_dim, sums);
#pragma GCC unroll 4
    for (int j = 0; j < kQueries; ++j) {
#pragma GCC unroll 4
      for (int p = 0; p < kKeys; ++p) all[j][first + p] = sums[j][p];
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < kQueries; ++j) store_sums(logits + j * kAttentionStep, all[j]);
}

/// Turns the logits of one query into weights, exp(logit - largest), with zeros for what it does not see.
inline void weigh_step(const AttentionTask& task, Range seen, int begin, int n, float* logits, int j, FewState& state) {
  const int from = most(0, seen.begin - begin);
  const int to = least(n, seen.end - begin);
  const int padded = (n + kLanes - 1) / kLanes * kLanes;
  for (int i = 0; i < from; ++i) logits[i] = kMinusInfinity;
  for (int i = most(to, 0); i < padded; ++i) logits[i] = kMinusInfinity;
  if (task.softcap > 0) {
    const F cap = splat(task.softcap);
    const F inverse = splat(1.0f / task.softcap);
    for (int i = 0; i < padded; i += kLanes) {
      // tanh(-inf) is -1, so what is not seen has to stay out of it.
      const F raw = load(logits + i);
      store(logits + i, if_less(raw, splat(kLowest), raw, cap * tanh(raw * inverse)));
    }
  }
  F largests = splat(state.largest[j]);
  for (int i = 0; i < padded; i += kLanes) largests = max(largests, load(logits + i));
  const float largest_now = largest(largests);
  const F shift = splat(largest_now);
  F sums = zero();
  for (int i = 0; i < padded; i += kLanes) {
    const F weights = exp(load(logits + i) - shift);
    store(logits + i, weights);
    sums = sums + weights;
  }
  float keep[kLanes];
  store(keep, exp(splat(state.largest[j]) - shift));
  state.keep[j] = keep[0];
  state.total[j] = state.total[j] * keep[0] + sum(sums);
  state.largest[j] = largest_now;
}

/// Asks for a row some time before it is read: pages lie apart, so the processor does not foresee them.
inline void prefetch(const uint8_t* row, size_t n_bytes) {
  for (size_t i = 0; i < n_bytes; i += 64) __builtin_prefetch(row + i);
}

/// out = out * keep + the weighted sum of kVectors vectors of the values, from element i on.
template <KvType kType, int kQueries, int kVectors>
inline void sum_values(const uint8_t* const* rows, int n, const float* weights, int i, const FewState& state) {
  F sums[kQueries][kVectors];
#pragma GCC unroll 4
  for (int j = 0; j < kQueries; ++j) {
    const F keep = splat(state.keep[j]);
#pragma GCC unroll 4
    for (int c = 0; c < kVectors; ++c) sums[j][c] = load(state.out[j] + i + c * kLanes) * keep;
  }
  for (int p = 0; p < n; ++p) {
    F values[kVectors];
#pragma GCC unroll 4
    for (int c = 0; c < kVectors; ++c) values[c] = load_kv<kType>(rows[p], i + c * kLanes);
#pragma GCC unroll 4
    for (int j = 0; j < kQueries; ++j) {
      const F weight = splat(weights[j * kAttentionStep + p]);
#pragma GCC unroll 4
      for (int c = 0; c < kVectors; ++c) sums[j][c] = fma(weight, values[c], sums[j][c]);
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < kQueries; ++j) {
#pragma GCC unroll 4
    for (int c = 0; c < kVectors; ++c) store(state.out[j] + i + c * kLanes, sums[j][c]);
  }
}

template <KvType kType, int kQueries>
inline void sum_last_values(const uint8_t* const* rows, int n, const float* weights, int i, int rest,
                            const FewState& state) {
  for (int j = 0; j < kQueries; ++j) {
    F total = load_part(state.out[j] + i, rest) * splat(state.keep[j]);
    for (int p = 0; p < n; ++p) {
      total = fma(splat(weights[j * kAttentionStep + p]), load_kv_part<kType>(rows[p], i, rest), total);
    }
    store_part(state.out[j] + i, total, rest);
  }
}

/// The logits of n keys, those of query j at logits + j * kAttentionStep. Rows up to a multiple of four are read.
template <KvType kType, int kQueries>
void meet_step(const StepRows& rows, int n, const float* q, const KvHead& kv, float* logits) {
  const size_t v_bytes = bytes_of(kv.v_type, kv.v_dim);
  for (int p = 0; p < n; p += 4) {
    for (int i = p; i < least(p + 4, n); ++i) prefetch(rows.v[i], v_bytes);
    four_keys<kType, kQueries>(rows.k + p, q, kv.k_dim, logits + p);
  }
}

template <int kQueries>
inline void meet_step(const StepRows& rows, int n, const float* q, const KvHead& kv, float* logits) {
  switch (kv.k_type) {
    case KvType::kF32:
      return meet_step<KvType::kF32, kQueries>(rows, n, q, kv, logits);
    case KvType::kF16:
      return meet_step<KvType::kF16, kQueries>(rows, n, q, kv, logits);
    case KvType::kQ8_0:
      return meet_step<KvType::kQ8_0, kQueries>(rows, n, q, kv, logits);
    case KvType::kQ4_0:
      return meet_step<KvType::kQ4_0, kQueries>(rows, n, q, kv, logits);
  }
}

/// Adds n values, weighted, to what the queries have so far.
template <KvType kType, int kQueries>
void sum_step(const StepRows& rows, int n, const float* weights, int v_dim, const FewState& state) {
  int i = 0;
  for (; i + kValueVectors * kLanes <= v_dim; i += kValueVectors * kLanes) {
    sum_values<kType, kQueries, kValueVectors>(rows.v, n, weights, i, state);
  }
  for (; i + kLanes <= v_dim; i += kLanes) sum_values<kType, kQueries, 1>(rows.v, n, weights, i, state);
  if (i < v_dim) sum_last_values<kType, kQueries>(rows.v, n, weights, i, v_dim - i, state);
}

template <int kQueries>
inline void sum_step(const StepRows& rows, int n, const float* weights, const KvHead& kv, const FewState& state) {
  switch (kv.v_type) {
    case KvType::kF32:
      return sum_step<KvType::kF32, kQueries>(rows, n, weights, kv.v_dim, state);
    case KvType::kF16:
      return sum_step<KvType::kF16, kQueries>(rows, n, weights, kv.v_dim, state);
    case KvType::kQ8_0:
      return sum_step<KvType::kQ8_0, kQueries>(rows, n, weights, kv.v_dim, state);
    case KvType::kQ4_0:
      return sum_step<KvType::kQ4_0, kQueries>(rows, n, weights, kv.v_dim, state);
  }
}

/// Queries [first, first + kQueries) over the whole range of the task.
template <int kQueries>
void attend_few(const AttentionTask& task, int first) {
  const int k_dim = task.kv.k_dim;
  const int v_dim = task.kv.v_dim;
  const size_t k_bytes = bytes_of(task.kv.k_type, k_dim);
  float* q = task.scratch;
  float* logits = q + kFew * ((k_dim + 15) / 16 * 16);
  FewState state;
  Range seen[kQueries];
  Range all = {task.end, task.begin};
  for (int j = 0; j < kQueries; ++j) {
    const float* from = query_of(task, first + j);
    for (int i = 0; i < k_dim; ++i) q[j * k_dim + i] = from[i] * task.scale;
    state.largest[j] = kLowest;
    state.total[j] = 0;
    state.out[j] = out_of(task, first + j);
    for (int i = 0; i < v_dim; ++i) state.out[j][i] = 0;
    seen[j] = seen_by(task, (first + j) / task.group);
    all.begin = least(all.begin, seen[j].begin);
    all.end = most(all.end, seen[j].end);
  }
  StepRows two_steps[2];
  int which = 0;
  int start = all.begin;
  int n = least(round_up_to_step(start), all.end) - start;
  find_rows(task.kv, start, n, two_steps[which]);
  while (n > 0) {
    StepRows& rows = two_steps[which];
    StepRows& next = two_steps[1 - which];
    const int next_start = start + n;
    const int n_next = least(next_start + kAttentionStep, all.end) - next_start;
    find_rows(task.kv, next_start, n_next, next);
    // The last key stands in for those that are missing from the last four; their logits are masked.
    for (int p = n; p < (n + 3) / 4 * 4; ++p) rows.k[p] = rows.k[n - 1];
    meet_step<kQueries>(rows, n, q, task.kv, logits);
    for (int j = 0; j < kQueries; ++j) {
      weigh_step(task, seen[j], start, n, logits + j * kAttentionStep, j, state);
    }
    for (int i = 0; i < n_next; ++i) prefetch(next.k[i], k_bytes);
    sum_step<kQueries>(rows, n, logits, task.kv, state);
    start = next_start;
    n = n_next;
    which = 1 - which;
  }
  for (int j = 0; j < kQueries; ++j) store_statistics(task, first + j, state.largest[j], state.total[j]);
}

inline void attend_in_fours(const AttentionTask& task) {
  const int n = task.n_rows * task.group;
  int first = 0;
  for (; first + kFew <= n; first += kFew) attend_few<kFew>(task, first);
  switch (n - first) {
    case 3:
      return attend_few<3>(task, first);
    case 2:
      return attend_few<2>(task, first);
    case 1:
      return attend_few<1>(task, first);
    default:
      return;
  }
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
