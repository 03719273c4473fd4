// Attention's gradients by matrix instructions: each head of each sequence by one thread, so that its logits stay in
// the cache and its keys and values are packed once.
#include <algorithm>
#include <functional>
#include <vector>

#include "backend/cpu/backward_attention.h"

namespace ondol::cpu {
namespace {

/// Query rows that are worked through together.
constexpr int64_t kRows = 64;

int64_t n_tiles_of(int64_t k) {
  return (k + kTileColumns - 1) / kTileColumns;
}

int64_t groups_of(int64_t rows) {
  return (rows + kTileRows - 1) / kTileRows;
}

/// Rows or columns of whole groups.
int64_t whole(int64_t rows) {
  return groups_of(rows) * kTileRows;
}

/// A whole number of pairs of groups, which is one of tiles too.
int64_t padded(int64_t n) {
  return (n + 2 * kTileRows - 1) / (2 * kTileRows) * (2 * kTileRows);
}

/// Tiles of groups of rows: n_tiles for each group.
struct Packs {
  uint8_t* memory = nullptr;
  int64_t n_tiles = 0;

  uint8_t* group(int64_t i) const { return memory + static_cast<size_t>(i * n_tiles) * kTileBytes; }
};

/// Cuts a thread's memory into pieces. Without memory, it counts what they take.
class Cutter {
 public:
  explicit Cutter(float* memory) : memory_(memory) {}

  float* floats(int64_t n) {
    float* piece = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += static_cast<size_t>(n + 15) / 16 * 16;
    return piece;
  }
  Packs packs(int64_t n_groups, int64_t n_tiles) {
    const size_t n_floats = static_cast<size_t>(n_groups * n_tiles) * kTileBytes / sizeof(float);
    return {reinterpret_cast<uint8_t*>(floats(static_cast<int64_t>(n_floats))), n_tiles};
  }
  size_t used_floats() const { return used_; }

 private:
  float* memory_;
  size_t used_ = 0;
};

/// A head of a sequence, and where it leaves its gradients of keys and values: rows of positions, filled up like them
/// to whole pairs of groups, columns to whole groups.
struct HeadTask {
  KvSlice slice;
  int head;
  float* dk;
  float* dv;
};

class TiledHead {
 public:
  /// `longest` sequence that will be given.
  TiledHead(const CpuKernels& kernels, const TileKernels& tiles, const AttentionRecord& record, const Tensor& dout,
            const AttentionSlopes& slopes, int64_t longest, Cutter& memory)
      : kernels_(kernels),
        tiles_(tiles),
        record_(record),
        dout_(dout),
        slopes_(slopes),
        k_dim_(record.k.columns() / record.n_kv_heads),
        v_dim_(record.v.columns() / record.n_kv_heads) {
    const int64_t n = padded(longest);
    keys_ = memory.packs(n / kTileRows, n_tiles_of(k_dim_));
    values_ = memory.packs(n / kTileRows, n_tiles_of(v_dim_));
    keys_turned_ = memory.packs(groups_of(k_dim_), n / kTileColumns);
    queries_ = memory.packs(kRows / kTileRows, n_tiles_of(k_dim_));
    douts_ = memory.packs(kRows / kTileRows, n_tiles_of(v_dim_));
    queries_turned_ = memory.packs(groups_of(k_dim_), kRows / kTileColumns);
    douts_turned_ = memory.packs(groups_of(v_dim_), kRows / kTileColumns);
    factors_ = memory.packs(kRows / kTileRows, n / kTileColumns);
    factors_turned_ = memory.packs(n / kTileRows, kRows / kTileColumns);
    weights_ = memory.floats(kRows * n);
    logit_slopes_ = memory.floats(kRows * n);
    query_slopes_ = memory.floats(kRows * whole(k_dim_));
    last_rows_ = memory.floats(kTileRows * std::max(k_dim_, v_dim_));
  }

  /// Returns what the head adds to its sink's gradient.
  double run(const HeadTask& task) {
    task_ = task;
    n_ = task.slice.n_rows;
    stride_ = padded(n_);
    const int64_t kv = task.head / (record_.args.n_heads / record_.n_kv_heads);
    pack_rows(record_.k, kv * k_dim_, k_dim_, keys_);
    pack_rows(record_.v, kv * v_dim_, v_dim_, values_);
    pack_keys_turned(kv * k_dim_);
    std::fill_n(task.dk, stride_ * whole(k_dim_), 0.0f);
    std::fill_n(task.dv, stride_ * whole(v_dim_), 0.0f);
    double of_sink = 0;
    for (int64_t begin = 0; begin < n_; begin += kRows) of_sink += run_rows(begin, std::min(kRows, n_ - begin));
    return of_sink;
  }

 private:
  int64_t row_of(int64_t position) const { return task_.slice.first_row + position; }

  const float* part(const Tensor& of, int64_t position, int64_t column) const {
    return of.f32(row_of(position)) + column;
  }

  static size_t stride_of(const Tensor& t) { return t.row_stride_bytes() / sizeof(float); }

  /// Keys or values of a head as weights; the last group is filled up with zeros.
  void pack_rows(const Tensor& from, int64_t column, int64_t dim, const Packs& to) {
    for (int64_t i = 0; i < stride_ / kTileRows; ++i) {
      const int64_t left = n_ - i * kTileRows;
      const float* rows = left >= kTileRows ? part(from, i * kTileRows, column) : last_rows_;
      size_t row_bytes = left >= kTileRows ? from.row_stride_bytes() : static_cast<size_t>(dim) * sizeof(float);
      if (left < kTileRows) {
        std::fill_n(last_rows_, kTileRows * dim, 0.0f);
        for (int64_t r = 0; r < left; ++r)
          std::copy_n(part(from, i * kTileRows + r, column), dim, last_rows_ + r * dim);
      }
      tiles_.pack_f32(reinterpret_cast<const uint8_t*>(rows), row_bytes, dim, to.group(i));
    }
  }

  void pack_keys_turned(int64_t column) {
    const Packs packs{keys_turned_.memory, stride_ / kTileColumns};
    for (int64_t i = 0; i < groups_of(k_dim_); ++i) {
      const auto n = static_cast<int>(std::min<int64_t>(kTileRows, k_dim_ - i * kTileRows));
      tiles_.pack_f32_columns(part(record_.k, 0, column + i * kTileRows), stride_of(record_.k), n, n_, packs.group(i));
    }
  }

  /// Queries or gradients of results: their rows as x, their columns as weights.
  void pack_inputs(const Tensor& from, int64_t begin, int64_t rows, int64_t column, int64_t dim, const Packs& by_rows,
                   const Packs& by_columns) {
    for (int64_t i = 0; i < groups_of(rows); ++i) {
      const auto n = static_cast<int>(std::min<int64_t>(kTileRows, rows - i * kTileRows));
      tiles_.pack_x(part(from, begin + i * kTileRows, column), stride_of(from), n, dim, false, by_rows.group(i));
    }
    for (int64_t i = 0; i < groups_of(dim); ++i) {
      const auto n = static_cast<int>(std::min<int64_t>(kTileRows, dim - i * kTileRows));
      tiles_.pack_f32_columns(part(from, begin, column + i * kTileRows), stride_of(from), n, rows, by_columns.group(i));
    }
  }

  /// Products of all groups of x with groups [first, end) of weights, over n_tiles tiles from `skipped` of each on, to
  /// `out`, whose columns begin with those of group `first`.
  void multiply(const Packs& x, int64_t x_groups, const Packs& weights, int64_t first, int64_t end, int64_t skipped,
                int64_t n_tiles, float* out, int64_t out_stride, bool accumulate) const {
    const size_t of_x = static_cast<size_t>(x.n_tiles) * kTileBytes;
    const size_t of_weights = static_cast<size_t>(weights.n_tiles) * kTileBytes;
    const size_t offset = static_cast<size_t>(skipped) * kTileBytes;
    for (int64_t w = first; w < end; w += 2) {
      const TilePacks right{weights.group(w) + offset, of_weights, 0, w + 1 < end ? 2 : 1, false};
      for (int64_t i = 0; i < x_groups; i += 2) {
        const TilePacks left{x.group(i), of_x, 0, i + 1 < x_groups ? 2 : 1, false};
        float* upper = out + i * kTileRows * out_stride + (w - first) * kTileRows;
        float* lower = upper + kTileRows * out_stride;
        const TileProducts to{{{upper, upper + kTileRows}, {lower, lower + kTileRows}},
                              static_cast<size_t>(out_stride)};
        tiles_.multiply(&left, &right, n_tiles, accumulate ? &to : nullptr, &to, nullptr);
      }
    }
  }

  /// The queries [begin, begin + rows) against all keys that they see, which lie within [seen_from, seen_end).
  double run_rows(int64_t begin, int64_t rows) {
    const AttentionArgs& args = record_.args;
    const int64_t lowest = args.window > 0 ? std::max<int64_t>(0, begin - args.window + 1) : 0;
    const int64_t seen_from = lowest / (2 * kTileRows) * (2 * kTileRows);
    const int64_t seen = padded(begin + rows) - seen_from;
    const int64_t first_group = seen_from / kTileRows;
    const int64_t end_group = first_group + seen / kTileRows;
    const int64_t x_groups = groups_of(rows);
    pack_inputs(args.q, begin, rows, task_.head * k_dim_, k_dim_, queries_, queries_turned_);
    pack_inputs(dout_, begin, rows, task_.head * v_dim_, v_dim_, douts_, douts_turned_);
    multiply(queries_, x_groups, keys_, first_group, end_group, 0, keys_.n_tiles, weights_, seen, false);
    multiply(douts_, x_groups, values_, first_group, end_group, 0, values_.n_tiles, logit_slopes_, seen, false);
    const double of_sink = differentiate(begin, rows, seen_from, seen);
    add_to_queries(begin, rows, seen_from, seen);
    add_to_seen(logit_slopes_, rows, seen_from, seen, queries_turned_, k_dim_, task_.dk);
    add_to_seen(weights_, rows, seen_from, seen, douts_turned_, v_dim_, task_.dv);
    return of_sink;
  }

  /// Products of queries and keys become softmax weights, and the weights' gradients those of the products. Zeros where
  /// a query does not see a key.
  double differentiate(int64_t begin, int64_t rows, int64_t seen_from, int64_t seen) {
    const AttentionArgs& args = record_.args;
    double of_sink = 0;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t position = begin + row;
      const int64_t first = (args.window > 0 ? std::max<int64_t>(0, position - args.window + 1) : 0) - seen_from;
      const int64_t n = position + 1 - seen_from - first;
      float* p = weights_ + row * seen;
      float* d = logit_slopes_ + row * seen;
      for (float* all : {p, d}) {
        std::fill(all, all + first, 0.0f);
        std::fill(all + first + n, all + seen, 0.0f);
      }
      of_sink += static_cast<double>(differentiate_row(kernels_, args, task_.head, p + first, d + first, n));
    }
    return of_sink;
  }

  /// dq += slopes K.
  void add_to_queries(int64_t begin, int64_t rows, int64_t seen_from, int64_t seen) {
    const Packs factors{factors_.memory, seen / kTileColumns};
    for (int64_t i = 0; i < groups_of(rows); ++i) {
      const auto n = static_cast<int>(std::min<int64_t>(kTileRows, rows - i * kTileRows));
      tiles_.pack_x(logit_slopes_ + i * kTileRows * seen, static_cast<size_t>(seen), n, seen, false, factors.group(i));
    }
    const Packs keys{keys_turned_.memory, stride_ / kTileColumns};
    const int64_t width = whole(k_dim_);
    multiply(factors, groups_of(rows), keys, 0, groups_of(k_dim_), seen_from / kTileColumns, factors.n_tiles,
             query_slopes_, width, false);
    Tensor dq = slopes_.q;
    for (int64_t row = 0; row < rows; ++row) {
      float* to = dq.f32(row_of(begin + row)) + task_.head * k_dim_;
      for (int64_t c = 0; c < k_dim_; ++c) to[c] += query_slopes_[row * width + c];
    }
  }

  /// The rows of `out` that are seen += factors^T of, for the columns of a head of width `dim`.
  void add_to_seen(const float* factors, int64_t rows, int64_t seen_from, int64_t seen, const Packs& of, int64_t dim,
                   float* out) {
    for (int64_t i = 0; i < seen / kTileRows; ++i) {
      tiles_.pack_x_columns(factors + i * kTileRows, static_cast<size_t>(seen), kTileRows, rows,
                            factors_turned_.group(i));
    }
    multiply(factors_turned_, seen / kTileRows, of, 0, groups_of(dim), 0, n_tiles_of(rows),
             out + seen_from * whole(dim), whole(dim), true);
  }

  const CpuKernels& kernels_;
  const TileKernels& tiles_;
  const AttentionRecord& record_;
  const Tensor& dout_;
  const AttentionSlopes& slopes_;
  const int64_t k_dim_;
  const int64_t v_dim_;
  HeadTask task_ = {};
  int64_t n_ = 0;       // positions
  int64_t stride_ = 0;  // the same, filled up
  Packs keys_, values_, keys_turned_;
  Packs queries_, douts_, queries_turned_, douts_turned_;
  Packs factors_, factors_turned_;
  float* weights_;       // [query rows][keys that some of them see]
  float* logit_slopes_;  // the same
  float* query_slopes_;  // [query rows][columns of a head]
  float* last_rows_;
};

/// Floats that heads leave in memory before they are added up: so many slices are worked through together.
constexpr int64_t kFloatsAtOnce = int64_t{1} << 24;

/// The heads of some slices.
class TiledHeads {
 public:
  TiledHeads(const CpuKernels& kernels, const TileKernels& tiles, ThreadPool& pool, const AttentionRecord& record,
             const Tensor& dout, const AttentionSlopes& slopes, Scratch& of_threads, Scratch& of_heads)
      : kernels_(kernels),
        tiles_(tiles),
        pool_(pool),
        record_(record),
        dout_(dout),
        slopes_(slopes),
        of_threads_(of_threads),
        of_heads_(of_heads),
        k_dim_(record.k.columns() / record.n_kv_heads),
        v_dim_(record.v.columns() / record.n_kv_heads) {}

  int64_t floats_of(const KvSlice& slice) const {
    return record_.args.n_heads * padded(slice.n_rows) * (whole(k_dim_) + whole(v_dim_));
  }

  void run(std::span<const KvSlice> slices) {
    lay_out(slices);
    run_heads();
    for (size_t i = 0; i < slices.size(); ++i) add_up(slices[i], i * static_cast<size_t>(record_.args.n_heads));
    if (!slopes_.sinks.empty()) add_to_sinks();
  }

 private:
  void lay_out(std::span<const KvSlice> slices) {
    int64_t n_floats = 0;
    longest_ = 0;
    for (const KvSlice& slice : slices) {
      n_floats += floats_of(slice);
      longest_ = std::max<int64_t>(longest_, slice.n_rows);
    }
    float* next = of_heads_.floats(static_cast<size_t>(n_floats));
    tasks_.clear();
    for (const KvSlice& slice : slices) {
      const int64_t rows = padded(slice.n_rows);
      for (int head = 0; head < record_.args.n_heads; ++head) {
        tasks_.push_back({slice, head, next, next + rows * whole(k_dim_)});
        next += rows * (whole(k_dim_) + whole(v_dim_));
      }
    }
    of_sinks_.assign(tasks_.size(), 0.0);
  }

  void run_heads() {
    Cutter count(nullptr);
    TiledHead(kernels_, tiles_, record_, dout_, slopes_, longest_, count);
    const size_t n_floats = count.used_floats();
    float* memory = of_threads_.floats(n_floats * static_cast<size_t>(pool_.size()));
    auto body = [&](int64_t begin, int64_t end, int thread) {
      Cutter cutter(memory + n_floats * static_cast<size_t>(thread));
      TiledHead head(kernels_, tiles_, record_, dout_, slopes_, longest_, cutter);
      tiles_.configure();
      for (int64_t i = begin; i < end; ++i)
        of_sinks_[static_cast<size_t>(i)] = head.run(tasks_[static_cast<size_t>(i)]);
      tiles_.release();
    };
    pool_.run(static_cast<int64_t>(tasks_.size()), 1, std::ref(body));
  }

  /// Query heads of a group add to the same keys and values, one after another.
  void add_up(const KvSlice& slice, size_t first_task) {
    const int group = record_.args.n_heads / record_.n_kv_heads;
    Tensor dk = slopes_.k;
    Tensor dv = slopes_.v;
    auto rows = [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        for (int head = 0; head < record_.args.n_heads; ++head) {
          const HeadTask& task = tasks_[first_task + static_cast<size_t>(head)];
          add(task.dk + row * whole(k_dim_), dk.f32(slice.first_row + row) + head / group * k_dim_, k_dim_);
          add(task.dv + row * whole(v_dim_), dv.f32(slice.first_row + row) + head / group * v_dim_, v_dim_);
        }
      }
    };
    pool_.run(slice.n_rows, 16, std::ref(rows));
  }

  static void add(const float* from, float* to, int64_t n) {
    for (int64_t i = 0; i < n; ++i) to[i] += from[i];
  }

  void add_to_sinks() {
    Tensor sinks = slopes_.sinks;
    for (size_t i = 0; i < tasks_.size(); ++i) sinks.f32()[tasks_[i].head] += static_cast<float>(of_sinks_[i]);
  }

  const CpuKernels& kernels_;
  const TileKernels& tiles_;
  ThreadPool& pool_;
  const AttentionRecord& record_;
  const Tensor& dout_;
  const AttentionSlopes& slopes_;
  Scratch& of_threads_;
  Scratch& of_heads_;
  const int64_t k_dim_;
  const int64_t v_dim_;
  int64_t longest_ = 0;
  std::vector<HeadTask> tasks_;
  std::vector<double> of_sinks_;  // of each task
};

}  // namespace

bool attention_fits_tiles(const AttentionRecord& record) {
  const int64_t k_dim = record.k.columns() / record.n_kv_heads;
  const int64_t v_dim = record.v.columns() / record.n_kv_heads;
  return record.type != DType::F32 && k_dim % 4 == 0 && v_dim % 4 == 0;
}

void differentiate_in_tiles(const CpuKernels& kernels, const TileKernels& tiles, ThreadPool& pool,
                            const AttentionRecord& record, std::span<const KvSlice> slices, const Tensor& dout,
                            const AttentionSlopes& slopes, Scratch& of_threads, Scratch& of_heads) {
  TiledHeads heads(kernels, tiles, pool, record, dout, slopes, of_threads, of_heads);
  for (size_t begin = 0; begin < slices.size();) {
    size_t end = begin;
    int64_t n_floats = 0;
    do {
      n_floats += heads.floats_of(slices[end++]);
    } while (end < slices.size() && n_floats + heads.floats_of(slices[end]) <= kFloatsAtOnce);
    heads.run(slices.subspan(begin, end - begin));
    begin = end;
  }
}

}  // namespace ondol::cpu
