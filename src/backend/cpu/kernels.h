// CpuKernels: the table of what one instruction set does better than plain code. Plain data only: kernel files, which
// are built with their instruction set enabled, include nothing else beside intrinsics.
//
// A slot that a table leaves empty is inherited from the next lower instruction set; ref fills all of them. Matrix
// products have tables of their own (matmul.h). Floats are contiguous; pointers need no alignment.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "backend/activation.h"

namespace ondol::cpu {

enum class IsaLevel : int { kRef, kAvx2, kAvx512, kAmx, kNeon };

/// Bits of CpuFeatures.
enum CpuFeature : uint64_t {
  kAvx2 = 1u << 0,     // with fma and f16c
  kAvx512 = 1u << 1,   // f, bw, dq, vl and vnni: Ice Lake, Zen 4 and later
  kAvxVnni = 1u << 2,  // 256-bit vpdpbusd
  kAvx512Bf16 = 1u << 3,
  kAvx512Fp16 = 1u << 4,
  kAvx512Vbmi = 1u << 5,
  kAmxInt8 = 1u << 6,  // the kernel has given this process the tile registers
  kAmxBf16 = 1u << 7,
  kNeon = 1u << 8,  // Armv8.2 with dot products and fp16 arithmetic
  kNeonI8mm = 1u << 9,
  kNeonBf16 = 1u << 10,
};

/// The types that a KV cache may have.
enum class KvType : int { kF32, kF16, kQ8_0, kQ4_0 };

/// One KV head of a cache, or of encoder activations, as attention reads it. Position p's key lies at
/// k + pages[p / page_tokens] * k_page_bytes + (p % page_tokens) * k_row_bytes; without pages, at k + p * k_row_bytes.
struct KvHead {
  KvType k_type;
  KvType v_type;
  bool v_in_k;
  int k_dim;
  int v_dim;
  int page_tokens;
  const int32_t* pages;
  const uint8_t* k;
  const uint8_t* v;
  size_t k_row_bytes;
  size_t v_row_bytes;
  size_t k_page_bytes;
  size_t v_page_bytes;
};

/// Attention of n_rows * group queries, which share a KV head, over the positions [begin, end).
///
/// Query (row, g) is q + row * q_stride + g * k_dim. It sees positions p with begin <= p < end and, unless
/// `both_ways`, p <= first_position + row; with a window, also p > first_position + row - window and, `both_ways`,
/// p < first_position + row + window. Its result goes to
/// out + row * out_stride + g * v_dim: the sum of exp(logit - max) * value, not yet divided by anything. max_and_sum
/// [n_rows * group][2] receives max and the sum of exp(logit - max), and {-inf, 0} with zeros where nothing is seen.
struct AttentionTask {
  KvHead kv;
  const float* q;
  size_t q_stride;
  int n_rows;
  int group;
  int first_position;
  int begin;
  int end;
  bool both_ways;
  int window;  // 0: none
  float scale;
  float softcap;  // 0: none
  float* out;
  size_t out_stride;
  float* max_and_sum;
  float* scratch;  // attention_scratch_floats(), 64-byte aligned
};

/// At most this many queries (n_rows * group) in one task.
constexpr int kMaxTaskQueries = 64;
/// Attention works through positions in runs of this many, which begin at multiples of it.
constexpr int kAttentionStep = 64;

/// Floats that a task needs as scratch memory.
static inline size_t attention_scratch_floats(int k_dim, int v_dim) {
  const size_t k = ((size_t)k_dim + 31) / 32 * 32;
  const size_t v = ((size_t)v_dim + 31) / 32 * 32;
  return kMaxTaskQueries * (k + 2 * v) + kAttentionStep * (k + v + kMaxTaskQueries) + 16 * kMaxTaskQueries;
}

/// How kv_encode finds the step of a Q4_0 block. Values become whole numbers of 1 / kStepUnits of the extreme one (of
/// largest magnitude, the earlier sign if both have it: highest before lowest). For each reach, which is the code that
/// the extreme value would get if codes had fractions, codes are rounded to nearest and clamped, and the step that
/// suits them best is sum(value * code) / sum(code^2). The largest sum(value * code)^2 / sum(code^2) leaves the least
/// error; the first of equals wins. All sums are of whole numbers below 2^24, so that their order does not matter. A
/// coarser step than the extreme value needs is often better, as is one that clamps it: together a tenth less squared
/// error.
constexpr float kStepUnits = 4096.0f;
constexpr int kReaches = 3;
constexpr float kReach[kReaches] = {-8.0f, -7.5f, -8.5f};
/// Blocks without a larger value are zeros: their step would be less than F16 has.
constexpr float kSmallestExtreme = 1e-30f;

/// 1 / sqrt(order) for a power of two.
static inline float hadamard_factor(int order) {
  float factor = 1.0f;
  for (; order >= 4; order /= 4) factor *= 0.5f;
  return order == 2 ? factor * 0.70710678f : factor;
}

struct CpuKernels {
  const char* name;
  IsaLevel level;
  uint64_t features;  // those needed by a table; in the table that runs, all that were found

  float (*dot)(const float* a, const float* b, int64_t n);
  void (*add)(float* x, const float* y, int64_t n);
  void (*add_scaled)(float* x, const float* y, float factor, int64_t n);
  void (*scale)(float* x, float factor, int64_t n);
  void (*softcap)(float* x, float cap, int64_t n);
  void (*activate)(float* x, Activation activation, int64_t n);
  void (*gated_unit)(const float* gate, const float* up, const GatedUnit* unit, float* out, int64_t n);
  void (*softmax)(float* x, int64_t n);
  void (*sigmoid)(float* x, int64_t n);

  /// weight and bias may be nullptr; out may be x.
  void (*rms_norm)(const float* x, const float* weight, float epsilon, float* out, int64_t n);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float epsilon, float* out, int64_t n);

  /// Rotates pairs (a[i], b[i]) by the angles with these cosines and sines.
  void (*rope_halves)(float* a, float* b, const float* cosines, const float* sines, int n_pairs);
  /// Rotates pairs (x[2 i], x[2 i + 1]).
  void (*rope_interleaved)(float* x, const float* cosines, const float* sines, int n_pairs);

  /// dy becomes the gradient of x, whose rms_norm's it is (gradients.h). weight may be nullptr.
  void (*rms_norm_gradient)(const float* x, const float* weight, float epsilon, float* dy, int64_t n);
  /// Of silu(gate) * up, where `sigmoids` are those of gate: dy becomes the gradient of gate, dup grows by that of up.
  void (*silu_gate_gradient)(const float* gate, const float* sigmoids, const float* up, float* dy, float* dup,
                             int64_t n);
  /// To the nearest BF16, ties to even, of finite numbers: bit for bit the same in all tables.
  void (*to_bf16)(const float* from, uint16_t* to, int64_t n);
  void (*from_bf16)(const uint16_t* from, float* to, int64_t n);

  /// Multiplies each run of `order` elements of x, n in all, by the normalised Hadamard matrix: bit for bit the same in
  /// all tables. `order` is a power of two from 16 on and divides n.
  void (*hadamard)(float* x, int order, int n);

  /// Encodes `n` floats for the cache (a multiple of 32 for block types), to nearest: bit for bit the same in all
  /// tables.
  void (*kv_encode)(KvType type, const float* values, uint8_t* out, int n);
  void (*attention)(const AttentionTask* task);
};

/// What each folder offers. Tables are constants, so the program may hold those that this processor cannot run.
namespace ref {
extern const CpuKernels kKernels;
}
namespace avx2 {
extern const CpuKernels kKernels;
}
namespace avx512 {
extern const CpuKernels kKernels;
/// AVX-512 with matrix instructions.
extern const CpuKernels kKernelsWithAmx;
}  // namespace avx512
namespace neon {
extern const CpuKernels kKernels;
}

}  // namespace ondol::cpu
