#include "backend/cpu/attention.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <functional>
#include <limits>

namespace ondol::cpu {
namespace {

/// Positions in one task where the positions of a block are divided.
constexpr int kChunk = 512;
/// With this many blocks of many queries there is work enough for all threads without dividing their positions.
constexpr size_t kEnoughBlocks = 64;
/// A block of fewer queries costs so little to merge that its positions are always divided.
constexpr int kFewQueries = 16;
/// Rows of a slice that are attended one by one, so that each gets the bits that it would get alone: a checked draft
/// must say what plain generation would have said. The products of so few rows keep that promise too.
constexpr int kRowsAlone = 8;

bool rows_are_alone(const KvSlice& slice, bool both_ways) {
  return !both_ways && slice.n_rows <= kRowsAlone;
}

KvHead head_of_cache(const KvLayer& layer, int head, const int32_t* pages) {
  const auto rows_before = static_cast<size_t>(head) * static_cast<size_t>(layer.page_tokens);
  KvHead kv{};
  kv.k_type = kv_type_of(layer.k_type);
  kv.v_type = layer.v_in_k ? kv.k_type : kv_type_of(layer.v_type);
  kv.v_in_k = layer.v_in_k;
  kv.k_dim = layer.k_dim;
  kv.v_dim = layer.v_dim;
  kv.page_tokens = layer.page_tokens;
  kv.pages = pages;
  kv.k = layer.k + rows_before * layer.k_row_bytes;
  kv.v = layer.v_in_k ? kv.k : layer.v + rows_before * layer.v_row_bytes;
  kv.k_row_bytes = layer.k_row_bytes;
  kv.v_row_bytes = layer.v_in_k ? layer.k_row_bytes : layer.v_row_bytes;
  kv.k_page_bytes = layer.k_page_bytes;
  kv.v_page_bytes = layer.v_in_k ? layer.k_page_bytes : layer.v_page_bytes;
  return kv;
}

KvHead head_of_tensors(const Tensor& k, const Tensor& v, int head, int n_heads, int first_row) {
  KvHead kv{};
  kv.k_type = KvType::kF32;
  kv.v_type = KvType::kF32;
  kv.k_dim = static_cast<int>(k.columns()) / n_heads;
  kv.v_dim = static_cast<int>(v.columns()) / n_heads;
  kv.page_tokens = INT_MAX;
  kv.k = reinterpret_cast<const uint8_t*>(k.f32(first_row) + static_cast<size_t>(head * kv.k_dim));
  kv.v = reinterpret_cast<const uint8_t*>(v.f32(first_row) + static_cast<size_t>(head * kv.v_dim));
  kv.k_row_bytes = k.row_stride_bytes();
  kv.v_row_bytes = v.row_stride_bytes();
  return kv;
}

/// Turns the task's queries as its keys are, in a copy, [kMaxTaskQueries][k_dim].
void turn_queries(const CpuKernels& kernels, int order, float* copy, AttentionTask& task) {
  const int row_size = task.group * task.kv.k_dim;
  for (int row = 0; row < task.n_rows; ++row) {
    std::copy_n(task.q + static_cast<size_t>(row) * task.q_stride, row_size, copy + row * row_size);
  }
  kernels.hadamard(copy, order, task.n_rows * row_size);
  task.q = copy;
  task.q_stride = static_cast<size_t>(row_size);
}

int round_down_to_step(int position) {
  return position / kAttentionStep * kAttentionStep;
}

}  // namespace

KvType kv_type_of(DType type) {
  switch (type) {
    case DType::F32:
      return KvType::kF32;
    case DType::F16:
      return KvType::kF16;
    case DType::Q8_0:
      return KvType::kQ8_0;
    default:
      ONDOL_CHECK(type == DType::Q4_0);
      return KvType::kQ4_0;
  }
}

void Attention::plan(const AttentionArgs& args, std::span<const KvSlice> slices, int n_kv_heads, int v_dim,
                     bool both_ways) {
  blocks_.clear();
  const int group = args.n_heads / n_kv_heads;
  const int heads_per_block = std::min(group, kMaxTaskQueries);
  for (const KvSlice& slice : slices) {
    const bool alone = rows_are_alone(slice, both_ways);
    const int rows_per_block = alone ? 1 : std::max(1, kMaxTaskQueries / heads_per_block);
    for (int kv_head = 0; kv_head < n_kv_heads; ++kv_head) {
      for (int g = 0; g < group; g += heads_per_block) {
        for (int row = 0; row < slice.n_rows; row += rows_per_block) {
          Block block{};
          block.slice = &slice;
          block.row = row;
          block.n_rows = std::min(rows_per_block, slice.n_rows - row);
          block.head = kv_head * group + g;
          block.n_heads = std::min(heads_per_block, group - g);
          block.kv_head = kv_head;
          block.alone = alone;
          const int first = both_ways ? row : slice.first_position + row;
          block.begin = args.window > 0 ? round_down_to_step(std::max(0, first - args.window + 1)) : 0;
          block.end = first + block.n_rows;
          if (both_ways) {
            const int64_t reach = args.window > 0 ? int64_t{block.end} + args.window - 1 : slice.n_rows;
            block.end = static_cast<int>(std::min<int64_t>(reach, slice.n_rows));
          }
          blocks_.push_back(block);
        }
      }
    }
  }
  cut_into_chunks(v_dim);
}

void Attention::cut_into_chunks(int v_dim) {
  pieces_.clear();
  n_stats_ = 0;
  n_partial_ = 0;
  const bool enough = blocks_.size() >= kEnoughBlocks;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    Block& block = blocks_[i];
    const int n_queries = block.n_rows * block.n_heads;
    const bool divide = block.alone || !enough || n_queries < kFewQueries;
    block.n_chunks = divide ? (block.end - block.begin + kChunk - 1) / kChunk : 1;
    block.first_stat = n_stats_;
    block.first_out = n_partial_;
    const auto n_results = static_cast<size_t>(n_queries) * static_cast<size_t>(block.n_chunks);
    n_stats_ += n_results;
    if (block.n_chunks > 1) n_partial_ += n_results * static_cast<size_t>(v_dim);
    for (int chunk = 0; chunk < block.n_chunks; ++chunk) pieces_.push_back({i, chunk});
  }
}

void Attention::fill_task(const AttentionArgs& args, const KvLayer* layer, const Tensor* k, const Tensor* v,
                          const Piece& piece, AttentionTask& task) {
  const Block& block = blocks_[piece.block];
  const int first_row = block.slice->first_row;
  task.kv = layer != nullptr ? head_of_cache(*layer, block.kv_head, block.slice->pages)
                             : head_of_tensors(*k, *v, block.kv_head, args.n_heads, first_row);
  const int64_t row = first_row + block.row;
  task.q = args.q.f32(row) + static_cast<size_t>(block.head) * static_cast<size_t>(task.kv.k_dim);
  task.n_rows = block.n_rows;
  task.group = block.n_heads;
  task.first_position = (task.both_ways ? 0 : block.slice->first_position) + block.row;
  const auto n_queries = static_cast<size_t>(block.n_rows * block.n_heads);
  const auto chunk = static_cast<size_t>(piece.chunk);
  const auto v_dim = static_cast<size_t>(task.kv.v_dim);
  task.max_and_sum = stats_.floats(0) + 2 * (block.first_stat + chunk * n_queries);
  if (block.n_chunks == 1) {
    task.begin = block.begin;
    task.end = block.end;
    task.out = Tensor(args.out).f32(row) + static_cast<size_t>(block.head) * v_dim;
    task.out_stride = args.out.row_stride_bytes() / sizeof(float);
  } else {
    task.begin = block.begin + piece.chunk * kChunk;
    task.end = std::min(task.begin + kChunk, block.end);
    task.out = partial_.floats(0) + block.first_out + chunk * n_queries * v_dim;
    task.out_stride = static_cast<size_t>(block.n_heads) * v_dim;
  }
}

void Attention::finish(const CpuKernels& kernels, const AttentionArgs& args, const Block& block, int v_dim,
                       int v_order) {
  const auto n_queries = static_cast<size_t>(block.n_rows * block.n_heads);
  const float* stats = stats_.floats(0) + 2 * block.first_stat;
  const float* partial = partial_.floats(0) + block.first_out;
  const auto n_chunks = static_cast<size_t>(block.n_chunks);
  for (size_t query = 0; query < n_queries; ++query) {
    const int row = static_cast<int>(query) / block.n_heads;
    const int head = block.head + static_cast<int>(query) % block.n_heads;
    const float sink = args.sinks.empty() ? -std::numeric_limits<float>::infinity() : args.sinks.f32()[head];
    float largest = sink;
    for (size_t c = 0; c < n_chunks; ++c) largest = std::max(largest, stats[2 * (c * n_queries + query)]);
    float sum = args.sinks.empty() ? 0.0f : std::exp(sink - largest);
    for (size_t c = 0; c < n_chunks; ++c) {
      const float* stat = stats + 2 * (c * n_queries + query);
      if (stat[1] > 0) sum += stat[1] * std::exp(stat[0] - largest);
    }
    float* out = Tensor(args.out).f32(block.slice->first_row + block.row + row) +
                 static_cast<size_t>(head) * static_cast<size_t>(v_dim);
    const float inverse = sum > 0 ? 1.0f / sum : 0.0f;
    if (n_chunks == 1) {
      kernels.scale(out, stats[2 * query + 1] > 0 ? inverse * std::exp(stats[2 * query] - largest) : 0.0f, v_dim);
    } else {
      std::fill(out, out + v_dim, 0.0f);
      for (size_t c = 0; c < n_chunks; ++c) {
        const float* stat = stats + 2 * (c * n_queries + query);
        if (!(stat[1] > 0)) continue;
        kernels.add_scaled(out, partial + (c * n_queries + query) * static_cast<size_t>(v_dim),
                           inverse * std::exp(stat[0] - largest), v_dim);
      }
    }
    if (v_order > 0) kernels.hadamard(out, v_order, v_dim);
  }
}

void Attention::execute(const CpuKernels& kernels, ThreadPool& pool, const AttentionArgs& args,
                        const AttentionTask& common, const KvLayer* layer, const Tensor* k, const Tensor* v) {
  const int k_dim = static_cast<int>(args.q.columns()) / args.n_heads;
  const int v_dim = static_cast<int>(args.out.columns()) / args.n_heads;
  const int k_order = layer != nullptr ? layer->k_order : 0;
  const int v_order = layer != nullptr ? layer->v_order : 0;
  const size_t of_kernel = (attention_scratch_floats(k_dim, v_dim) + 15) / 16 * 16;
  const size_t of_thread =
      of_kernel + (k_order > 0 ? (static_cast<size_t>(kMaxTaskQueries * k_dim) + 15) / 16 * 16 : 0);
  float* scratch = of_threads_.floats(of_thread * static_cast<size_t>(pool.size()));
  stats_.floats(2 * n_stats_);
  partial_.floats(n_partial_);
  auto work = [&](int64_t begin, int64_t end, int thread) {
    for (int64_t i = begin; i < end; ++i) {
      const Piece& piece = pieces_[static_cast<size_t>(i)];
      AttentionTask task = common;
      task.scratch = scratch + static_cast<size_t>(thread) * of_thread;
      fill_task(args, layer, k, v, piece, task);
      if (k_order > 0) turn_queries(kernels, k_order, task.scratch + of_kernel, task);
      kernels.attention(&task);
      if (blocks_[piece.block].n_chunks == 1) finish(kernels, args, blocks_[piece.block], v_dim, v_order);
    }
  };
  pool.run(static_cast<int64_t>(pieces_.size()), 1, std::ref(work));
  if (pieces_.size() == blocks_.size()) return;
  auto merge = [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const Block& block = blocks_[static_cast<size_t>(i)];
      if (block.n_chunks > 1) finish(kernels, args, block, v_dim, v_order);
    }
  };
  pool.run(static_cast<int64_t>(blocks_.size()), 1, std::ref(merge));
}

void Attention::run(const CpuKernels& kernels, ThreadPool& pool, const AttentionArgs& args, const KvLayer& layer,
                    std::span<const KvSlice> slices) {
  AttentionTask common{};
  common.q_stride = args.q.row_stride_bytes() / sizeof(float);
  common.window = args.window;
  common.scale = args.scale;
  common.softcap = args.softcap;
  plan(args, slices, layer.n_heads, layer.v_dim, false);
  execute(kernels, pool, args, common, &layer, nullptr, nullptr);
}

void Attention::run_both_ways(const CpuKernels& kernels, ThreadPool& pool, const AttentionArgs& args, const Tensor& k,
                              const Tensor& v, std::span<const KvSlice> slices) {
  AttentionTask common{};
  common.q_stride = args.q.row_stride_bytes() / sizeof(float);
  common.both_ways = true;
  common.window = args.window;
  common.scale = args.scale;
  common.softcap = args.softcap;
  plan(args, slices, args.n_heads, static_cast<int>(v.columns()) / args.n_heads, true);
  execute(kernels, pool, args, common, nullptr, &k, &v);
}

}  // namespace ondol::cpu
