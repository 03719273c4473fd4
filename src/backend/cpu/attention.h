// Attention: cuts the attention of a batch into tasks for the kernels and merges their partial results.
//
// How it is cut depends on shapes alone, never on the number of threads, so results do not either.
#pragma once

#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/scratch.h"
#include "base/thread_pool.h"

namespace ondol::cpu {

/// The kernels' name of a cache type.
KvType kv_type_of(DType type);

class Attention {
 public:
  /// Causal attention over a cache (Backend::attention).
  void run(const CpuKernels& kernels, ThreadPool& pool, const AttentionArgs& args, const KvLayer& layer,
           std::span<const KvSlice> slices);

  /// Attention in both directions within each slice (Backend::attention_both_ways).
  void run_both_ways(const CpuKernels& kernels, ThreadPool& pool, const AttentionArgs& args, const Tensor& k,
                     const Tensor& v, std::span<const KvSlice> slices);

 private:
  /// The queries of some rows and heads that share a KV head, and the positions that they see.
  struct Block {
    const KvSlice* slice;
    int row;  // within the slice
    int n_rows;
    int head;  // the first query head
    int n_heads;
    int kv_head;
    bool alone;  // one row, cut as if it were the only one of the batch
    int begin;   // positions, in steps
    int end;
    int n_chunks;       // runs of positions, each a task of its own
    size_t first_stat;  // of the first chunk, in queries
    size_t first_out;   // of the first chunk in partial_, when there are several
  };
  struct Piece {
    size_t block;
    int chunk;
  };

  void plan(const AttentionArgs& args, std::span<const KvSlice> slices, int n_kv_heads, int v_dim, bool both_ways);
  void cut_into_chunks(int v_dim);
  void execute(const CpuKernels& kernels, ThreadPool& pool, const AttentionArgs& args, const AttentionTask& common,
               const KvLayer* layer, const Tensor* k, const Tensor* v);
  void fill_task(const AttentionArgs& args, const KvLayer* layer, const Tensor* k, const Tensor* v, const Piece& piece,
                 AttentionTask& task);
  void finish(const CpuKernels& kernels, const AttentionArgs& args, const Block& block, int v_dim, int v_order);

  std::vector<Block> blocks_;
  std::vector<Piece> pieces_;
  size_t n_stats_ = 0;
  size_t n_partial_ = 0;
  Scratch of_threads_;
  Scratch stats_;
  Scratch partial_;
};

}  // namespace ondol::cpu
