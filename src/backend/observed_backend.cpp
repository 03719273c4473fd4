#include "backend/observed_backend.h"

#include <cstring>

namespace ondol {
namespace {

class ObservedBackend final : public Backend {
 public:
  ObservedBackend(std::unique_ptr<Backend> backend, ProductObserver observer)
      : backend_(std::move(backend)), observer_(std::move(observer)) {}

  std::string description() const override { return backend_->description(); }
  int n_threads() const override { return backend_->n_threads(); }

  void linear(const Tensor& x, std::span<const LinearJob> jobs) override {
    for (const LinearJob& job : jobs) observer_(job.weight->matrix, x);
    backend_->linear(x, jobs);
  }

  void gated_mlp(const Tensor& x, const Weight& gate, const Weight& up, const Weight& down, const GatedUnit& unit,
                 Tensor out, bool accumulate) override {
    const OwnedTensor gated(DType::F32, {x.rows(), gate.matrix.rows()});
    const OwnedTensor raised(DType::F32, {x.rows(), up.matrix.rows()});
    const LinearJob inner[] = {{&gate, gated.tensor}, {&up, raised.tensor}};
    linear(x, inner);
    backend_->gated_unit(gated.tensor, raised.tensor, unit, gated.tensor);
    const LinearJob outer[] = {{&down, out, accumulate}};
    linear(gated.tensor, outer);
  }

  void experts_mlp(const Tensor& x, const Experts& experts, std::span<const int32_t> ids,
                   std::span<const float> weights, const GatedUnit& unit, Tensor out) override {
    for (size_t expert = 0; expert < experts.gate.size(); ++expert) {
      run_expert(x, experts, static_cast<int32_t>(expert), ids, weights, unit, out);
    }
  }

  void embed(const Tensor& table, std::span<const int32_t> ids, Tensor out) override {
    backend_->embed(table, ids, out);
  }
  void linear_heads(const Tensor& x, std::span<const Tensor> weights, Tensor out) override {
    backend_->linear_heads(x, weights, out);
  }
  void route(const Tensor& logits, const RouteParams& params, std::span<int32_t> ids,
             std::span<float> weights) override {
    backend_->route(logits, params, ids, weights);
  }
  void rms_norm(const Tensor& x, int width, const Tensor& weight, float epsilon, Tensor out) override {
    backend_->rms_norm(x, width, weight, epsilon, out);
  }
  void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float epsilon, Tensor out) override {
    backend_->layer_norm(x, weight, bias, epsilon, out);
  }
  void rope(Tensor x, int head_dim, int offset, const Tensor& angles, RopePairs pairs) override {
    backend_->rope(x, head_dim, offset, angles, pairs);
  }
  void kv_store(const Tensor& k, const Tensor& v, const KvLayer& layer, std::span<const KvSlice> slices) override {
    backend_->kv_store(k, v, layer, slices);
  }
  void attention(const AttentionArgs& args, const KvLayer& layer, std::span<const KvSlice> slices) override {
    backend_->attention(args, layer, slices);
  }
  void attention_both_ways(const AttentionArgs& args, const Tensor& k, const Tensor& v,
                           std::span<const KvSlice> slices) override {
    backend_->attention_both_ways(args, k, v, slices);
  }
  void activate(Tensor x, Activation activation) override { backend_->activate(x, activation); }
  void gated_unit(const Tensor& gate, const Tensor& up, const GatedUnit& unit, Tensor out) override {
    backend_->gated_unit(gate, up, unit, out);
  }
  void add(Tensor x, const Tensor& y) override { backend_->add(x, y); }
  void scale(Tensor x, float factor) override { backend_->scale(x, factor); }
  void scale_columns(Tensor x, const Tensor& factors) override { backend_->scale_columns(x, factors); }
  void softcap(Tensor x, float cap) override { backend_->softcap(x, cap); }

 private:
  /// Gathers the rows that chose `expert`, runs it on them, and adds its weighted results.
  void run_expert(const Tensor& x, const Experts& experts, int32_t expert, std::span<const int32_t> ids,
                  std::span<const float> weights, const GatedUnit& unit, Tensor out) {
    const auto n_used = static_cast<int64_t>(ids.size()) / x.rows();
    std::vector<size_t> chosen;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == expert) chosen.push_back(i);
    }
    if (chosen.empty()) return;
    const auto n = static_cast<int64_t>(chosen.size());
    OwnedTensor rows(DType::F32, {n, x.columns()});
    OwnedTensor result(DType::F32, {n, out.columns()});
    for (int64_t i = 0; i < n; ++i) {
      const auto row = static_cast<int64_t>(chosen[static_cast<size_t>(i)]) / n_used;
      std::memcpy(rows.tensor.f32(i), x.f32(row), static_cast<size_t>(x.columns()) * sizeof(float));
    }
    const auto e = static_cast<size_t>(expert);
    gated_mlp(rows.tensor, experts.gate[e], experts.up[e], experts.down[e], unit, result.tensor, false);
    for (int64_t i = 0; i < n; ++i) {
      const size_t pair = chosen[static_cast<size_t>(i)];
      Tensor row = result.tensor.slice_rows(i, 1);
      backend_->scale(row, weights[pair]);
      backend_->add(out.slice_rows(static_cast<int64_t>(pair) / n_used, 1), row);
    }
  }

  std::unique_ptr<Backend> backend_;
  ProductObserver observer_;
};

}  // namespace

std::unique_ptr<Backend> observe_products(std::unique_ptr<Backend> backend, ProductObserver observer) {
  return std::make_unique<ObservedBackend>(std::move(backend), std::move(observer));
}

}  // namespace ondol
