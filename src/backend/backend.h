// Backend: the coarse operations that models are written in. One object per device; implementations in cpu/.
//
// Letters: T rows of a batch (tokens), D inputs, H outputs, E experts. Activations are F32 [T, D] with contiguous rows;
// weights are in any DType. Every operation has finished when its call returns. Outputs are allocated by the caller
// and may only overlap inputs where a comment says "in place". Shapes are CHECKed: models validate files when loading.
// A backend is used by one thread at a time; it spreads its work over its own threads. Results do not depend on the
// number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/activation.h"
#include "backend/kv_layer.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace ondol {

/// y = x W^T + b, with W [H, D] as it lies in the file.
struct Weight {
  Tensor matrix;  // [H, D], any DType
  Tensor bias;    // F32 [H], or empty
};

/// One of several products that share their input.
struct LinearJob {
  const Weight* weight;
  Tensor out;               // [T, H]
  bool accumulate = false;  // add to what is in `out` (the residual stream)
};

struct AttentionArgs {
  Tensor q;    // [T, n_heads * k_dim], rotated
  Tensor out;  // [T, n_heads * v_dim]
  int n_heads = 0;
  float scale = 1.0f;
  float softcap = 0.0f;  // logits become softcap * tanh(logits / softcap); 0 is off
  int window = 0;        // a position sees itself and the window - 1 before it (both ways: and after it); 0 is all
  Tensor sinks = {};     // F32 [n_heads]: a logit per head that takes part in the softmax only; or empty
};

/// How a mixture-of-experts layer picks experts from router logits [T, E].
struct RouteParams {
  enum class Score { kSoftmax, kSigmoid, kSoftmaxOfChosen };
  Score score = Score::kSoftmax;
  int n_used = 1;
  bool normalize = false;  // chosen weights are divided by their sum
  float scale = 1.0f;      // and then multiplied by this
  int n_groups = 0;        // with groups, only the best n_groups_used of n_groups equal groups take part
  int n_groups_used = 0;
  bool group_score_top2 = false;  // a group's score is the sum of its two best (DeepSeek-V3), else its best (V2)
  Tensor selection_bias = {};     // F32 [E], added for choosing only; or empty
};

/// The experts of one layer. Entry e of each vector is expert e's matrix, [F, D] for gate and up, [D, F] for down.
struct Experts {
  std::vector<Weight> gate;
  std::vector<Weight> up;
  std::vector<Weight> down;
};

class Derivatives;

class Backend {
 public:
  virtual ~Backend() = default;

  /// For people: "cpu (avx512, 2 threads)".
  virtual std::string description() const = 0;
  virtual int n_threads() const = 0;

  /// out[t] = row ids[t] of table [V, D], decoded. Ids must lie in [0, V).
  virtual void embed(const Tensor& table, std::span<const int32_t> ids, Tensor out) = 0;

  /// Several products of the same x [T, D]: queries, keys and values; or gate and up.
  virtual void linear(const Tensor& x, std::span<const LinearJob> jobs) = 0;

  /// Head h's columns of out [T, N * H] are x's columns of head h, [T, N * D], times weights[h] ([H, D]) transposed.
  virtual void linear_heads(const Tensor& x, std::span<const Tensor> weights, Tensor out) = 0;

  /// out = down(act(gate x) * (up x)), added to out if `accumulate`. The default composes linear and gated_unit.
  virtual void gated_mlp(const Tensor& x, const Weight& gate, const Weight& up, const Weight& down,
                         const GatedUnit& unit, Tensor out, bool accumulate) = 0;

  /// ids [T, n_used] and weights [T, n_used] of the experts for each row; equal scores go to the lower index.
  virtual void route(const Tensor& logits, const RouteParams& params, std::span<int32_t> ids,
                     std::span<float> weights) = 0;

  /// out[t] += sum over the row's experts of weight * expert(x[t]).
  virtual void experts_mlp(const Tensor& x, const Experts& experts, std::span<const int32_t> ids,
                           std::span<const float> weights, const GatedUnit& unit, Tensor out) = 0;

  /// Rows of `width` columns each, of which x's rows hold columns / width (per-head norms); weight is F32 [width] or
  /// empty. In place allowed.
  virtual void rms_norm(const Tensor& x, int width, const Tensor& weight, float epsilon, Tensor out) = 0;
  virtual void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float epsilon, Tensor out) = 0;

  /// Rotates, in each of the heads of x [T, n_heads * head_dim], the elements [offset, offset + R) by the angles
  /// [T, R]: R / 2 cosines, then R / 2 sines (see nn/rope.h). In place.
  virtual void rope(Tensor x, int head_dim, int offset, const Tensor& angles, RopePairs pairs) = 0;

  /// Stores keys [T, n_kv_heads * k_dim] and values [T, n_kv_heads * v_dim] at the slices' positions.
  virtual void kv_store(const Tensor& k, const Tensor& v, const KvLayer& layer, std::span<const KvSlice> slices) = 0;

  /// Causal attention of the slices' rows over their sequences' cache, [0, position] each. Query head h uses KV head
  /// h / (n_heads / n_kv_heads).
  virtual void attention(const AttentionArgs& args, const KvLayer& layer, std::span<const KvSlice> slices) = 0;

  /// Attention in both directions within each slice, without a cache (encoders). k and v as q, n_heads each. Only
  /// first_row and n_rows of the slices are read.
  virtual void attention_both_ways(const AttentionArgs& args, const Tensor& k, const Tensor& v,
                                   std::span<const KvSlice> slices) = 0;

  /// x = act(x), in place.
  virtual void activate(Tensor x, Activation activation) = 0;
  /// out = act(gate) * up; out may be gate or up.
  virtual void gated_unit(const Tensor& gate, const Tensor& up, const GatedUnit& unit, Tensor out) = 0;
  /// x += y, where y has x's rows or a single one. In place.
  virtual void add(Tensor x, const Tensor& y) = 0;
  /// x *= factor, in place.
  virtual void scale(Tensor x, float factor) = 0;
  /// Column i of x times factors[i], for as many factors as columns. In place.
  virtual void scale_columns(Tensor x, const Tensor& factors) = 0;
  /// x = cap * tanh(x / cap), in place.
  virtual void softcap(Tensor x, float cap) = 0;

  /// The gradients of these operations (derivatives.h), which live as long as the backend; nullptr where it has none.
  virtual Derivatives* derivatives() { return nullptr; }
};

struct CpuOptions {
  int n_threads = 0;  // 0: as many as the process may use
  std::string instruction_set =
      {};  // "ref", "avx2", "avx512", "amx", "neon"; empty: the best here, or ONDOL_CPU if set
  /// Products of many rows with F32 or BF16 weights may round both to BF16, where that is faster.
  bool rounds_floats = false;
};

/// The CPU backend. Fails when the instruction set is unknown or this processor lacks it.
Result<std::unique_ptr<Backend>> create_cpu_backend(const CpuOptions& options = {});

}  // namespace ondol
