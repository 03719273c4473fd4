// Attention's gradients (Dao et al., 2022, section B.4, for the formulas): weights are computed again from queries and
// keys, some rows at a time, so that nothing of the size of context times context is kept. Products go through
// multiply, all heads in one call.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/cpu/backward_attention.h"
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

/// One sequence. Of `rows_at_once` query rows at a time, against all keys that they see.
class AttentionBackward {
 public:
  AttentionBackward(const CpuKernels& kernels, ThreadPool& pool, MatmulScratch& matmul, const AttentionRecord& record,
                    const KvSlice& slice, const Tensor& dout, Scratch& memory)
      : kernels_(kernels),
        pool_(pool),
        matmul_(matmul),
        record_(record),
        args_(record.args),
        dout_(dout),
        n_heads_(record.args.n_heads),
        n_kv_heads_(record.n_kv_heads),
        first_row_(slice.first_row),
        n_(slice.n_rows),
        k_dim_(record.k.columns() / n_kv_heads_),
        v_dim_(record.v.columns() / n_kv_heads_) {
    lay_out(memory);
  }

  void run(Tensor dq, Tensor dk, Tensor dv, Tensor dsinks) {
    split_heads();
    for (begin_ = 0; begin_ < n_; begin_ += kRows) {
      rows_ = std::min(kRows, n_ - begin_);
      seen_from_ = args_.window > 0 ? std::max<int64_t>(0, begin_ - args_.window + 1) : 0;
      seen_ = begin_ + rows_ - seen_from_;
      multiply_inputs();
      auto heads = [&](int64_t first, int64_t last, int) {
        for (int64_t head = first; head < last; ++head) differentiate(static_cast<int>(head));
      };
      pool_.run(n_heads_, 1, std::ref(heads));
      add_to_queries(dq);
      add_to_keys_and_values(dk, dv);
    }
    if (!dsinks.empty()) add_to_sinks(dsinks);
  }

 private:
  void lay_out(Scratch& memory) {
    const int64_t rows = std::min(kRows, n_);
    const int64_t turned = n_kv_heads_ * n_ * k_dim_ + n_heads_ * rows * (2 * n_ + k_dim_ + v_dim_);
    Pieces pieces(memory.floats(
        static_cast<size_t>(n_kv_heads_ * n_ * (k_dim_ + v_dim_) + n_heads_ * (rows * 2 * n_ + n_) + turned)));
    keys_ = pieces.matrices(n_kv_heads_, n_, k_dim_);
    values_ = pieces.matrices(n_kv_heads_, n_, v_dim_);
    weights_ = pieces.matrices(n_heads_, rows, n_);
    slopes_ = pieces.matrices(n_heads_, rows, n_);
    sink_slopes_ = pieces.matrices(n_heads_, 1, n_);
    keys_turned_ = pieces.matrices(n_kv_heads_, k_dim_, n_);
    weights_turned_ = pieces.matrices(n_heads_, n_, rows);
    slopes_turned_ = pieces.matrices(n_heads_, n_, rows);
    queries_turned_ = pieces.matrices(n_heads_, k_dim_, rows);
    douts_turned_ = pieces.matrices(n_heads_, v_dim_, rows);
  }

  size_t kv_of(int head) const { return static_cast<size_t>(head / (n_heads_ / n_kv_heads_)); }
  static size_t at(int head) { return static_cast<size_t>(head); }

  void split_heads() {
    auto heads = [&](int64_t first, int64_t last, int) {
      for (int64_t h = first; h < last; ++h) {
        const auto i = static_cast<size_t>(h);
        for (int64_t row = 0; row < n_; ++row) {
          std::copy_n(record_.k.f32(first_row_ + row) + h * k_dim_, k_dim_, keys_[i].f32(row));
          std::copy_n(record_.v.f32(first_row_ + row) + h * v_dim_, v_dim_, values_[i].f32(row));
        }
        turn(record_.k, first_row_, n_, h * k_dim_, k_dim_, keys_turned_[i]);
      }
    };
    pool_.run(n_kv_heads_, 1, std::ref(heads));
  }

  /// Queries by keys, and gradients of results by values.
  void multiply_inputs() {
    jobs_.clear();
    for (int h = 0; h < n_heads_; ++h) {
      jobs_.push_back({part(args_.q, first_row_ + begin_, rows_, h * k_dim_, k_dim_),
                       keys_[kv_of(h)].slice_rows(seen_from_, seen_),
                       {},
                       shaped(weights_[at(h)], rows_, seen_)});
      jobs_.push_back({part(dout_, first_row_ + begin_, rows_, h * v_dim_, v_dim_),
                       values_[kv_of(h)].slice_rows(seen_from_, seen_),
                       {},
                       shaped(slopes_[at(h)], rows_, seen_)});
    }
    multiply(kernels_, pool_, matmul_, jobs_);
  }

  /// Products of a head become softmax weights; gradients of the weights become those of the products.
  void differentiate(int head) {
    Tensor weights = shaped(weights_[at(head)], rows_, seen_);
    Tensor slopes = shaped(slopes_[at(head)], rows_, seen_);
    for (int64_t row = 0; row < rows_; ++row) {
      const int64_t position = begin_ + row;
      const int64_t low = args_.window > 0 ? std::max<int64_t>(0, position - args_.window + 1) - seen_from_ : 0;
      const int64_t n = position + 1 - seen_from_ - low;
      for (float* all : {weights.f32(row), slopes.f32(row)}) {
        std::fill(all, all + low, 0.0f);
        std::fill(all + low + n, all + seen_, 0.0f);
      }
      sink_slopes_[at(head)].f32()[position] =
          differentiate_row(kernels_, args_, head, weights.f32(row) + low, slopes.f32(row) + low, n);
    }
    turn(weights, 0, rows_, 0, seen_, shaped(weights_turned_[at(head)], seen_, rows_));
    turn(slopes, 0, rows_, 0, seen_, shaped(slopes_turned_[at(head)], seen_, rows_));
    turn(args_.q, first_row_ + begin_, rows_, head * k_dim_, k_dim_, shaped(queries_turned_[at(head)], k_dim_, rows_));
    turn(dout_, first_row_ + begin_, rows_, head * v_dim_, v_dim_, shaped(douts_turned_[at(head)], v_dim_, rows_));
  }

  /// dq += slopes K.
  void add_to_queries(Tensor dq) {
    jobs_.clear();
    for (int h = 0; h < n_heads_; ++h) {
      jobs_.push_back({shaped(slopes_[at(h)], rows_, seen_),
                       keys_turned_[kv_of(h)].slice_columns(seen_from_, seen_),
                       {},
                       part(dq, first_row_ + begin_, rows_, h * k_dim_, k_dim_),
                       true});
    }
    multiply(kernels_, pool_, matmul_, jobs_);
  }

  /// dk += slopes^T q and dv += weights^T dout. Query heads of a group add to the same keys and values, one after
  /// another.
  void add_to_keys_and_values(Tensor dk, Tensor dv) {
    const int group = n_heads_ / n_kv_heads_;
    for (int g = 0; g < group; ++g) {
      jobs_.clear();
      for (int kv = 0; kv < n_kv_heads_; ++kv) {
        const int h = kv * group + g;
        add_to_seen(slopes_turned_[at(h)], queries_turned_[at(h)],
                    part(dk, first_row_ + seen_from_, seen_, kv * k_dim_, k_dim_));
        add_to_seen(weights_turned_[at(h)], douts_turned_[at(h)],
                    part(dv, first_row_ + seen_from_, seen_, kv * v_dim_, v_dim_));
      }
      multiply(kernels_, pool_, matmul_, jobs_);
    }
  }

  /// out += factors^T x, for the rows of x that are being worked through; both are given turned over.
  void add_to_seen(const Tensor& factors, const Tensor& x, const Tensor& out) {
    jobs_.push_back({shaped(factors, seen_, rows_), shaped(x, out.columns(), rows_), {}, out, true});
  }

  void add_to_sinks(Tensor dsinks) const {
    for (int h = 0; h < n_heads_; ++h) {
      double sum = 0;
      for (int64_t row = 0; row < n_; ++row) sum += static_cast<double>(sink_slopes_[at(h)].f32()[row]);
      dsinks.f32()[h] += static_cast<float>(sum);
    }
  }

  const CpuKernels& kernels_;
  ThreadPool& pool_;
  MatmulScratch& matmul_;
  const AttentionRecord& record_;
  const AttentionArgs& args_;
  const Tensor& dout_;
  const int n_heads_;
  const int n_kv_heads_;
  const int64_t first_row_;
  const int64_t n_;  // positions
  const int64_t k_dim_;
  const int64_t v_dim_;
  // The query rows [begin_, begin_ + rows_) see keys within [seen_from_, seen_from_ + seen_).
  int64_t begin_ = 0;
  int64_t rows_ = 0;
  int64_t seen_from_ = 0;
  int64_t seen_ = 0;
  // Of each KV head, then of each head.
  std::vector<Tensor> keys_, keys_turned_, values_;
  std::vector<Tensor> weights_, slopes_, weights_turned_, slopes_turned_, queries_turned_, douts_turned_, sink_slopes_;
  std::vector<MatmulJob> jobs_;
};

/// Softmax over n logits and the head's sink. Returns what the sink leaves of the weights: 1 without one.
float normalise(const CpuKernels& kernels, const AttentionArgs& args, int head, float* logits, int64_t n) {
  if (args.sinks.empty()) {
    kernels.softmax(logits, n);
    return 1.0f;
  }
  const float sink = args.sinks.f32()[head];
  const float largest = std::max(sink, *std::max_element(logits, logits + n));
  const double of_sink = std::exp(static_cast<double>(sink - largest));
  double sum = of_sink;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(logits[i] - largest));
  kernels.softmax(logits, n);
  const auto kept = static_cast<float>(1.0 - of_sink / sum);
  kernels.scale(logits, kept, n);
  return kept;
}

}  // namespace

float differentiate_row(const CpuKernels& kernels, const AttentionArgs& args, int head, float* p, float* d, int64_t n) {
  std::vector<float> capped;
  kernels.scale(p, args.scale, n);
  if (args.softcap > 0) {
    kernels.softcap(p, args.softcap, n);
    capped.assign(p, p + n);
  }
  const float kept = normalise(kernels, args, head, p, n);
  const float share = kernels.dot(p, d, n);
  gradients::attention_logits(capped.empty() ? p : capped.data(), p, args.softcap, share, d, n);
  kernels.scale(d, args.scale, n);
  return -(1.0f - kept) * share;
}

void CpuDerivatives::attention(const AttentionRecord& record, std::span<const KvSlice> slices, const Tensor& dout,
                               Tensor dq, Tensor dk, Tensor dv, Tensor dsinks) {
  ONDOL_CHECK(record.n_kv_heads > 0 && record.args.n_heads % record.n_kv_heads == 0);
  for (const KvSlice& slice : slices) ONDOL_CHECK(slice.first_position == 0);
  const TileKernels* tiles = tiles_of(kernels_);
  if (tiles != nullptr && attention_fits_tiles(record)) {
    return differentiate_in_tiles(kernels_, *tiles, pool_, record, slices, dout, {dq, dk, dv, dsinks}, of_threads_,
                                  attention_);
  }
  for (const KvSlice& slice : slices) {
    AttentionBackward(kernels_, pool_, matmul_, record, slice, dout, attention_).run(dq, dk, dv, dsinks);
  }
}

}  // namespace ondol::cpu
