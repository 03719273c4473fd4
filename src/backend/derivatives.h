// Derivatives: the gradients of a backend's operations, for training. Obtained with Backend::derivatives().
//
// Letters as in backend.h; d<name> is the gradient of a loss by <name>, F32. Everything is deterministic for any number
// of threads. Products cost most: they run on the same kernels as inference, on weights that were turned over and
// rounded to the type that Products asks for (Wang et al., 2025; DeepSeek-V3, section 3.3, for int8 and FP8).
#pragma once

#include <span>

#include "backend/backend.h"

namespace ondol {

/// The types that the second operand of backward products is rounded to: F32, BF16 or Q8_0. Activations and their
/// gradients are rounded as the forward kernel for that type does.
struct ProductTypes {
  DType inputs = DType::F32;   // W in dx = dy W
  DType weights = DType::F32;  // x in dW = dy^T x
};

/// A layer's attention as it was computed, all rows of a batch, each slice a sequence of its own from position 0 on.
struct AttentionRecord {
  AttentionArgs args;  // q as it was; out as it came out
  Tensor k;            // [T, n_kv_heads * k_dim]
  Tensor v;            // [T, n_kv_heads * v_dim]
  int n_kv_heads = 0;
  DType type = DType::F32;  // what products may be rounded as
};

/// What is known of a linear map's operands.
struct LinearTraits {
  /// The matrix never changes, and nothing else will lie at its place.
  bool is_frozen = false;
  /// dy is the gradient of logits: large at targets and small elsewhere, where a scale in common would lose it.
  bool makes_logits = false;
};

class Derivatives {
 public:
  virtual ~Derivatives() = default;

  /// to = from, which is F32; `to` may be BF16.
  virtual void copy(const Tensor& from, Tensor to) = 0;
  virtual void set_zero(Tensor x) = 0;

  /// Memory that frozen weights may take to be kept turned over, from now on.
  virtual void keep_turned(size_t budget_bytes) = 0;

  /// As Backend::linear, for weights in F32 that learn: they may be rounded as products of `type` are.
  virtual void linear(const Tensor& x, std::span<const LinearJob> jobs, DType type) = 0;
  /// dx += dy W, for W [H, D] of any type.
  virtual void linear_input(const Tensor& dy, const Tensor& matrix, DType type, Tensor dx, LinearTraits traits) = 0;
  /// dW += dy^T x, with x in F32 or, where `type` is not, BF16.
  virtual void linear_weight(const Tensor& dy, const Tensor& x, DType type, Tensor dmatrix) = 0;
  /// dbias += the sum of dy's rows; dbias has as many elements as dy has columns.
  virtual void sum_rows(const Tensor& dy, Tensor dbias) = 0;
  /// dtable[ids[t]] += dy[t], for each t in order.
  virtual void embed(const Tensor& dy, std::span<const int32_t> ids, Tensor dtable) = 0;

  // What follows turns dy, the gradient of an operation's result, into that of its input, in place.

  /// `x` is the norm's input. dweight [width] is added to unless empty.
  virtual void rms_norm(const Tensor& x, int width, const Tensor& weight, float epsilon, Tensor dy, Tensor dweight) = 0;
  virtual void layer_norm(const Tensor& x, const Tensor& weight, float epsilon, Tensor dy, Tensor dweight,
                          Tensor dbias) = 0;
  virtual void rope(Tensor dy, int head_dim, int offset, const Tensor& angles, RopePairs pairs) = 0;
  virtual void activate(const Tensor& x, Activation activation, Tensor dy) = 0;
  /// dy becomes the gradient of gate; dup is added to. gate and up are F32 or BF16.
  virtual void gated_unit(const Tensor& gate, const Tensor& up, const GatedUnit& unit, Tensor dy, Tensor dup) = 0;
  /// `x` is the input; dfactors is added to unless empty.
  virtual void scale_columns(const Tensor& x, const Tensor& factors, Tensor dy, Tensor dfactors) = 0;
  /// `y` is the result.
  virtual void softcap(const Tensor& y, float cap, Tensor dy) = 0;

  /// How badly logits [T, V] predict the tokens that came: returns the sum over rows of -log
  /// softmax(logits[t])[targets[t]], in nats. dlogits, which may be logits, becomes its gradient times `weight`.
  virtual double cross_entropy(const Tensor& logits, std::span<const int32_t> targets, float weight,
                               Tensor dlogits) = 0;

  /// How far logits [T, V] are from others: returns the sum over rows of sum_i r_i log(r_i / p_i), in nats, with
  /// r = softmax(reference[t]) and p = softmax(logits[t]) (Kullback-Leibler). dlogits, which may be logits, becomes its
  /// gradient by logits times `weight`; reference becomes r.
  virtual double divergence(const Tensor& logits, Tensor reference, float weight, Tensor dlogits) = 0;

  /// dlogits [T, E] is added to. dweights [T, n_used] are those of the experts `ids`.
  virtual void route(const Tensor& logits, const RouteParams& params, std::span<const int32_t> ids,
                     const Tensor& dweights, Tensor dlogits) = 0;

  /// dq, dk and dv are added to. dsinks [n_heads] too, unless empty.
  virtual void attention(const AttentionRecord& record, std::span<const KvSlice> slices, const Tensor& dout, Tensor dq,
                         Tensor dk, Tensor dv, Tensor dsinks) = 0;
};

}  // namespace ondol
