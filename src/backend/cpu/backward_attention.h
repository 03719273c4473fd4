// What both ways to attention's gradients share (backward_attention.cpp in floats, backward_attention_tiles.cpp by
// matrix instructions).
#pragma once

#include <span>

#include "backend/cpu/kernels.h"
#include "backend/cpu/matmul_kernels.h"
#include "backend/cpu/scratch.h"
#include "backend/derivatives.h"
#include "base/thread_pool.h"

namespace ondol::cpu {

/// Where the gradients of queries, keys, values and sinks (or empty) are added to.
struct AttentionSlopes {
  Tensor q;
  Tensor k;
  Tensor v;
  Tensor sinks;
};

/// For one query of a head: n products of the query and keys in `p` become softmax weights, and the weights' gradients
/// in `d` those of the products. Returns what the query adds to the gradient of the head's sink.
float differentiate_row(const CpuKernels& kernels, const AttentionArgs& args, int head, float* p, float* d, int64_t n);

/// Whether attention of these widths may go by matrix instructions.
bool attention_fits_tiles(const AttentionRecord& record);

/// All slices of a batch, products in BF16. `of_threads` and `of_heads` are scratch memory.
void differentiate_in_tiles(const CpuKernels& kernels, const TileKernels& tiles, ThreadPool& pool,
                            const AttentionRecord& record, std::span<const KvSlice> slices, const Tensor& dout,
                            const AttentionSlopes& slopes, Scratch& of_threads, Scratch& of_heads);

}  // namespace ondol::cpu
