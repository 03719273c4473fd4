// Attention's gradients (Dao et al., 2022, section B.4, for the formulas): weights are computed again from queries and
// keys, some rows at a time, so that nothing of the size of context times context is kept. Products go through
// multiply, all heads in one call.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/cpu/cpu_derivatives.h"
#include "backend/cpu/gradients.h"

namespace ondol::cpu {
namespace {

/// Query rows that are worked through together.
constexpr int64_t kRows = 64;

/// Columns [first, first + n) of rows [begin, begin + rows) turned over, into out [n, rows].
void turn(const Tensor& from, int64_t begin, int64_t rows, int64_t first, int64_t n, Tensor out) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* values = from.f32(begin + row) + first;
    for (int64_t c = 0; c < n; ++c) out.f32(c)[row] = values[c];
  }
}

/// A view of some columns of some rows.
Tensor part(const Tensor& from, int64_t begin, int64_t rows, int64_t first, int64_t n) {
  return from.slice_rows(begin, rows).slice_columns(first, n);
}

/// The memory of one slice's heads, cut from one piece.
class Pieces {
 public:
  explicit Pieces(float* memory) : next_(memory) {}

  std::vector<Tensor> matrices(int n, int64_t rows, int64_t columns) {
    std::vector<Tensor> all;
    for (int i = 0; i < n; ++i) {
      all.emplace_back(DType::F32, Shape{rows, columns}, next_);
      next_ += rows * columns;
    }
    return all;
  }

 private:
  float* next_;
};

/// The first `rows` rows, with `columns` columns, of a matrix's memory.
Tensor shaped(Tensor matrix, int64_t rows, int64_t columns) {
  return Tensor(DType::F32, {rows, columns}, matrix.bytes());
}

}  // namespace

void CpuDerivatives::attention(const AttentionRecord& record, std::span<const KvSlice> slices, const Tensor& dout,
                               Tensor dq, Tensor dk, Tensor dv, Tensor dsinks) {
  ONDOL_CHECK(record.n_kv_heads > 0 && record.args.n_heads % record.n_kv_heads == 0);
  for (const KvSlice& slice : slices) {
    ONDOL_CHECK(slice.first_position == 0);
    attend(record, slice, dout, dq, dk, dv, dsinks);
  }
}

void CpuDerivatives::attend(const AttentionRecord& record, const KvSlice& slice, const Tensor& dout, Tensor dq,
                            Tensor dk, Tensor dv, Tensor dsinks) {
  const AttentionArgs& args = record.args;
  const int n_heads = args.n_heads;
  const int group = n_heads / record.n_kv_heads;
  const int64_t n = slice.n_rows;
  const int64_t first_row = slice.first_row;
  const int64_t k_dim = record.k.columns() / record.n_kv_heads;
  const int64_t v_dim = record.v.columns() / record.n_kv_heads;
  const int64_t rows_at_once = std::min(kRows, n);
  Pieces pieces(attention_.floats(static_cast<size_t>(record.n_kv_heads * n * (2 * k_dim + v_dim) +
                                                      n_heads * rows_at_once * (4 * n + k_dim + v_dim) + n_heads * n)));
  std::vector<Tensor> keys = pieces.matrices(record.n_kv_heads, n, k_dim);
  std::vector<Tensor> keys_turned = pieces.matrices(record.n_kv_heads, k_dim, n);
  std::vector<Tensor> values = pieces.matrices(record.n_kv_heads, n, v_dim);
  for_rows(record.n_kv_heads, n * k_dim, [&](int64_t h) {
    const auto i = static_cast<size_t>(h);
    for (int64_t row = 0; row < n; ++row) {
      std::copy_n(record.k.f32(first_row + row) + h * k_dim, k_dim, keys[i].f32(row));
      std::copy_n(record.v.f32(first_row + row) + h * v_dim, v_dim, values[i].f32(row));
    }
    turn(record.k, first_row, n, h * k_dim, k_dim, keys_turned[i]);
  });
  std::vector<Tensor> logits = pieces.matrices(n_heads, rows_at_once, n);
  std::vector<Tensor> weights = pieces.matrices(n_heads, rows_at_once, n);
  std::vector<Tensor> gradients_of_weights = pieces.matrices(n_heads, n, rows_at_once);
  std::vector<Tensor> turned_weights = pieces.matrices(n_heads, n, rows_at_once);
  std::vector<Tensor> queries_turned = pieces.matrices(n_heads, k_dim, rows_at_once);
  std::vector<Tensor> douts_turned = pieces.matrices(n_heads, v_dim, rows_at_once);
  std::vector<Tensor> sink_shares = pieces.matrices(n_heads, 1, n);

  std::vector<MatmulJob> jobs;
  for (int64_t begin = 0; begin < n; begin += kRows) {
    const int64_t rows = std::min(kRows, n - begin);
    const int64_t seen_from = args.window > 0 ? std::max<int64_t>(0, begin - args.window + 1) : 0;
    const int64_t seen = begin + rows - seen_from;
    const auto of_kv = [&](int h) { return static_cast<size_t>(h / group); };
    const auto at = [](int h) { return static_cast<size_t>(h); };

    jobs.clear();
    for (int h = 0; h < n_heads; ++h) {
      jobs.push_back({part(args.q, first_row + begin, rows, h * k_dim, k_dim),
                      keys[of_kv(h)].slice_rows(seen_from, seen),
                      {},
                      shaped(logits[at(h)], rows, seen),
                      false});
      jobs.push_back({part(dout, first_row + begin, rows, h * v_dim, v_dim),
                      values[of_kv(h)].slice_rows(seen_from, seen),
                      {},
                      shaped(weights[at(h)], rows, seen),
                      false});
    }
    multiply(kernels_, pool_, matmul_, jobs);

    // From here on: `logits` become softmax weights, `weights` (the gradients of these) those of the products q k.
    for_rows(n_heads, rows * seen * 16, [&](int64_t head) {
      const auto i = static_cast<size_t>(head);
      Tensor p = shaped(logits[i], rows, seen);
      Tensor dp = shaped(weights[i], rows, seen);
      std::vector<float> capped;
      for (int64_t row = 0; row < rows; ++row) {
        const int64_t position = begin + row;
        const int64_t low = args.window > 0 ? std::max<int64_t>(0, position - args.window + 1) - seen_from : 0;
        const int64_t high = position + 1 - seen_from;
        float* l = p.f32(row);
        std::fill(l, l + low, 0.0f);
        std::fill(l + high, l + seen, 0.0f);
        kernels_.scale(l + low, args.scale, high - low);
        if (args.softcap > 0) {
          kernels_.softcap(l + low, args.softcap, high - low);
          capped.assign(l + low, l + high);
        }
        float kept = 1.0f;  // of the weights; the rest is the sink's
        if (args.sinks.empty()) {
          kernels_.softmax(l + low, high - low);
        } else {
          const float sink = args.sinks.f32()[head];
          const float largest = std::max(sink, *std::max_element(l + low, l + high));
          double sum = std::exp(static_cast<double>(sink - largest));
          const double of_sink = sum;
          for (int64_t c = low; c < high; ++c) sum += std::exp(static_cast<double>(l[c] - largest));
          kernels_.softmax(l + low, high - low);
          kept = static_cast<float>(1.0 - of_sink / sum);
          kernels_.scale(l + low, kept, high - low);
        }
        float* d = dp.f32(row);
        const float share = kernels_.dot(l + low, d + low, high - low);
        sink_shares[i].f32()[position] = -(1.0f - kept) * share;
        std::fill(d, d + low, 0.0f);
        std::fill(d + high, d + seen, 0.0f);
        gradients::attention_logits(args.softcap > 0 ? capped.data() : l + low, l + low, args.softcap, share, d + low,
                                    high - low);
        kernels_.scale(d + low, args.scale, high - low);
      }
      turn(p, 0, rows, 0, seen, shaped(turned_weights[i], seen, rows));
      turn(dp, 0, rows, 0, seen, shaped(gradients_of_weights[i], seen, rows));
      turn(args.q, first_row + begin, rows, head * k_dim, k_dim, shaped(queries_turned[i], k_dim, rows));
      turn(dout, first_row + begin, rows, head * v_dim, v_dim, shaped(douts_turned[i], v_dim, rows));
    });

    jobs.clear();
    for (int h = 0; h < n_heads; ++h) {
      jobs.push_back({shaped(weights[at(h)], rows, seen),
                      keys_turned[of_kv(h)].slice_columns(seen_from, seen),
                      {},
                      part(dq, first_row + begin, rows, h * k_dim, k_dim),
                      true});
    }
    multiply(kernels_, pool_, matmul_, jobs);
    // Query heads of a group add to the same keys and values, one after another.
    for (int g = 0; g < group; ++g) {
      jobs.clear();
      for (int kv = 0; kv < record.n_kv_heads; ++kv) {
        const size_t h = at(kv * group + g);
        jobs.push_back({shaped(gradients_of_weights[h], seen, rows),
                        shaped(queries_turned[h], k_dim, rows),
                        {},
                        part(dk, first_row + seen_from, seen, kv * k_dim, k_dim),
                        true});
        jobs.push_back({shaped(turned_weights[h], seen, rows),
                        shaped(douts_turned[h], v_dim, rows),
                        {},
                        part(dv, first_row + seen_from, seen, kv * v_dim, v_dim),
                        true});
      }
      multiply(kernels_, pool_, matmul_, jobs);
    }
  }
  if (dsinks.empty()) return;
  for (int h = 0; h < n_heads; ++h) {
    double sum = 0;
    for (int64_t row = 0; row < n; ++row) sum += static_cast<double>(sink_shares[static_cast<size_t>(h)].f32()[row]);
    dsinks.f32()[h] += static_cast<float>(sum);
  }
}

}  // namespace ondol::cpu
