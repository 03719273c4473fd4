// Tape: a backend that computes with another one and remembers what it did, so that gradients can be found afterwards.
//
// Models compute in place, in memory of an arena that they use again and again. The tape follows them: the gradient of
// an activation lies in a shadow of the arena, at the same place as the activation. Going back through the operations,
// each one turns the gradient of its result into those of its inputs; one that overwrote a place leaves zeros there,
// since what was there before had no part in the loss. So after a whole way back all of the shadow is zeros again.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "backend/derivatives.h"
#include "nn/context.h"

namespace ondol {

/// Which weights learn, and where their gradients add up.
class WeightGradients {
 public:
  virtual ~WeightGradients() = default;
  /// F32 with the shape of `weight` (a matrix or vector of the model or of an adapter, or some rows of one), or empty
  /// if it does not learn.
  virtual Tensor of(const Tensor& weight) = 0;
};

class Tape final : public Backend {
 public:
  /// All must outlive it; `inner` must have derivatives. Activations lie in `arena`.
  Tape(Backend& inner, Arena& arena, WeightGradients& weights, ProductTypes types);

  /// While it records, operations are remembered; else they are only computed.
  void record(bool on) { is_recording_ = on; }

  struct Position {
    size_t length = 0;
    Arena::Mark kept;
    size_t kept_bytes = 0;
  };
  Position position() const { return {entries_.size(), kept_memory_.mark(), kept_bytes_}; }
  /// What the operations that are remembered keep of activations.
  size_t kept_bytes() const { return kept_bytes_; }
  /// Goes back through what was recorded since then, and forgets it.
  void backward(Position begin);

  /// From now on, the results of products with so many columns give their places to their gradients, so that no more
  /// memory is taken: nothing may read them afterwards. 0: none.
  void share_places(int64_t columns) { shared_columns_ = columns; }
  /// While on, what is recorded makes logits (LinearTraits). With bytes elsewhere, the gradients of weights that make
  /// logits keep BF16's digits.
  void make_logits(bool on) { makes_logits_ = on; }

  /// The gradient of an activation of the arena, at its place in the shadow. Zeros unless something added to it.
  Tensor gradient(const Tensor& activation);

  /// `out` has new numbers: copies of the old ones are not those that operations keep any more. Operations say so
  /// themselves; for whoever fills memory of the arena without them.
  void forget(const Tensor& out);

  std::string description() const override { return inner_.description(); }
  int n_threads() const override { return inner_.n_threads(); }
  Derivatives* derivatives() override { return &derivatives_; }

  void embed(const Tensor& table, std::span<const int32_t> ids, Tensor out) override;
  void linear(const Tensor& x, std::span<const LinearJob> jobs) override;
  void linear_heads(const Tensor& x, std::span<const Tensor> weights, Tensor out) override;
  void gated_mlp(const Tensor& x, const Weight& gate, const Weight& up, const Weight& down, const GatedUnit& unit,
                 Tensor out, bool accumulate) override;
  void route(const Tensor& logits, const RouteParams& params, std::span<int32_t> ids,
             std::span<float> weights) override;
  void experts_mlp(const Tensor& x, const Experts& experts, std::span<const int32_t> ids,
                   std::span<const float> weights, const GatedUnit& unit, Tensor out) override;
  void rms_norm(const Tensor& x, int width, const Tensor& weight, float epsilon, Tensor out) override;
  void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float epsilon, Tensor out) override;
  void rope(Tensor x, int head_dim, int offset, const Tensor& angles, RopePairs pairs) override;
  void kv_store(const Tensor& k, const Tensor& v, const KvLayer& layer, std::span<const KvSlice> slices) override;
  void attention(const AttentionArgs& args, const KvLayer& layer, std::span<const KvSlice> slices) override;
  void attention_both_ways(const AttentionArgs& args, const Tensor& k, const Tensor& v,
                           std::span<const KvSlice> slices) override;
  void activate(Tensor x, Activation activation) override;
  void gated_unit(const Tensor& gate, const Tensor& up, const GatedUnit& unit, Tensor out) override;
  void add(Tensor x, const Tensor& y) override;
  void scale(Tensor x, float factor) override;
  void scale_columns(Tensor x, const Tensor& factors) override;
  void softcap(Tensor x, float cap) override;

 private:
  /// The keys and values that a layer's attention sees: as they were, and where they were.
  struct Stored {
    Tensor k;
    Tensor v;
    Tensor k_kept;
    Tensor v_kept;
  };
  struct Kept {
    Tensor original;
    Tensor copy;
  };
  /// What a layer of experts was given and chose, and where gradients are.
  struct ExpertsRecord {
    Tensor x;
    const Experts* experts;
    std::vector<int32_t> ids;
    Tensor weights;
    GatedUnit unit;
    Tensor dx;
    Tensor dweights;
    Tensor dout;
  };

  /// A copy of numbers that may be overwritten; shared by operations that keep the same.
  Tensor keep(const Tensor& x) { return keep(x, DType::F32); }
  /// A copy of what products will round anyway, or of numbers that are as harmless.
  Tensor keep_rounded(const Tensor& x) { return keep(x, types_.weights == DType::F32 ? DType::F32 : DType::BF16); }
  Tensor keep(const Tensor& x, DType type);
  bool learns(const Weight& weight);
  void record_linear(const Tensor& x, const LinearJob& job);
  /// Adds to the gradients of the weight and of x [T, D], which may be empty if the weight does not learn.
  void learn_linear(const Weight& weight, const Tensor& x, const Tensor& dy, Tensor dx, bool makes_logits = false);
  void expert_backward(const ExpertsRecord& record, size_t expert);

  Backend& inner_;
  Arena& arena_;
  WeightGradients& weights_;
  ProductTypes types_;
  Derivatives& derivatives_;
  bool is_recording_ = false;
  int64_t shared_columns_ = 0;
  bool makes_logits_ = false;
  const uint8_t* shared_ = nullptr;  // the last place that is shared
  std::vector<std::function<void()>> entries_;
  Arena kept_memory_{size_t{256} << 20};
  size_t kept_bytes_ = 0;
  std::vector<Kept> kept_;
  std::map<const uint8_t*, Stored> stored_;  // by the layer's cache
  std::map<const uint8_t*, Buffer> shadow_;  // of the arena's chunks, by where they begin
};

}  // namespace ondol
