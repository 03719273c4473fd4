// What both ways of attention share: where rows lie and what a query sees. The including file has read kv_load.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Lower than any logit, yet finite, so that differences stay numbers.
constexpr float kLowest = -3.0e38f;
constexpr float kMinusInfinity = -__builtin_inff();

inline int least(int a, int b) {
  return a < b ? a : b;
}
inline int most(int a, int b) {
  return a > b ? a : b;
}

inline int round_up_to_step(int position) {
  return (position / kAttentionStep + 1) * kAttentionStep;
}

/// Positions [begin, end) that query row `row` sees.
struct Range {
  int begin;
  int end;
};

inline Range seen_by(const AttentionTask& task, int row) {
  const int position = task.first_position + row;
  Range seen = {task.begin, task.end};
  if (task.window > 0) seen.begin = most(seen.begin, position - task.window + 1);
  if (!task.both_ways) {
    seen.end = least(seen.end, position + 1);
  } else if (task.window > 0) {
    seen.end = least(seen.end, position + task.window);
  }
  return seen;
}

/// The rows of n consecutive positions.
struct StepRows {
  const uint8_t* k[kAttentionStep];
  const uint8_t* v[kAttentionStep];
};

inline void find_rows(const KvHead& kv, int begin, int n, StepRows& rows) {
  int i = 0;
  while (i < n) {
    const int position = begin + i;
    const int slot = kv.pages == nullptr ? position : position % kv.page_tokens;
    const int run = kv.pages == nullptr ? n : least(n, i + kv.page_tokens - slot);
    const size_t page = kv.pages == nullptr ? 0 : static_cast<size_t>(kv.pages[position / kv.page_tokens]);
    const uint8_t* k = kv.k + page * kv.k_page_bytes + static_cast<size_t>(slot) * kv.k_row_bytes;
    const uint8_t* v = kv.v + page * kv.v_page_bytes + static_cast<size_t>(slot) * kv.v_row_bytes;
    for (; i < run; ++i) {
      rows.k[i] = k;
      rows.v[i] = v;
      k += kv.k_row_bytes;
      v += kv.v_row_bytes;
    }
  }
}

inline const float* query_of(const AttentionTask& task, int query) {
  const int row = query / task.group;
  const int g = query % task.group;
  return task.q + static_cast<size_t>(row) * task.q_stride +
         static_cast<size_t>(g) * static_cast<size_t>(task.kv.k_dim);
}

inline float* out_of(const AttentionTask& task, int query) {
  const int row = query / task.group;
  const int g = query % task.group;
  return task.out + static_cast<size_t>(row) * task.out_stride +
         static_cast<size_t>(g) * static_cast<size_t>(task.kv.v_dim);
}

inline void store_statistics(const AttentionTask& task, int query, float largest, float total) {
  task.max_and_sum[2 * query] = total > 0 ? largest : kMinusInfinity;
  task.max_and_sum[2 * query + 1] = total;
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
