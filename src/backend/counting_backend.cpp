#include "backend/counting_backend.h"

#include <algorithm>
#include <numeric>

#include "backend/cpu/dispatch.h"
#include "backend/cpu/matmul.h"

namespace ondol {
namespace {

Arithmetic arithmetic_of(cpu::MatmulWay way) {
  switch (way) {
    case cpu::MatmulWay::kLanes:
      return Arithmetic::kInt8;
    case cpu::MatmulWay::kTiles:
      return Arithmetic::kBf16;
    default:
      return Arithmetic::kFp32;
  }
}

class CountingBackend final : public Backend {
 public:
  CountingBackend(const cpu::CpuKernels& kernels, Demand& demand) : kernels_(kernels), demand_(demand) {}

  std::string description() const override { return "nothing but counting"; }
  int n_threads() const override { return 1; }

  void embed(const Tensor& table, std::span<const int32_t> ids, Tensor) override {
    demand_.weight_bytes += static_cast<double>(table.row_stride_bytes() * ids.size());
  }

  void linear(const Tensor& x, std::span<const LinearJob> jobs) override {
    for (const LinearJob& job : jobs) count(job.weight->matrix, x.rows());
  }

  void linear_heads(const Tensor& x, std::span<const Tensor> weights, Tensor) override {
    for (const Tensor& weight : weights) count(weight, x.rows());
  }

  void gated_mlp(const Tensor& x, const Weight& gate, const Weight& up, const Weight& down, const GatedUnit&, Tensor,
                 bool) override {
    for (const Weight* weight : {&gate, &up, &down}) count(weight->matrix, x.rows());
  }

  /// Each row's experts are the start of a shuffle that goes on where the last one ended.
  void route(const Tensor& logits, const RouteParams& params, std::span<int32_t> ids,
             std::span<float> weights) override {
    const auto n_experts = static_cast<size_t>(logits.columns());
    const auto n_used = static_cast<size_t>(params.n_used);
    if (shuffled_.size() != n_experts) {
      shuffled_.resize(n_experts);
      std::iota(shuffled_.begin(), shuffled_.end(), 0);
    }
    for (size_t row = 0; row < static_cast<size_t>(logits.rows()); ++row) {
      for (size_t i = 0; i < n_used; ++i) {
        std::swap(shuffled_[i], shuffled_[i + random_below(n_experts - i)]);
        ids[row * n_used + i] = shuffled_[i];
      }
    }
    std::fill(weights.begin(), weights.end(), 1.0f / static_cast<float>(params.n_used));
  }

  void experts_mlp(const Tensor&, const Experts& experts, std::span<const int32_t> ids, std::span<const float>,
                   const GatedUnit&, Tensor) override {
    std::vector<int64_t> rows(experts.gate.size(), 0);
    for (const int32_t id : ids) ++rows[static_cast<size_t>(id)];
    for (size_t e = 0; e < rows.size(); ++e) {
      if (rows[e] == 0) continue;
      for (const auto* list : {&experts.gate, &experts.up, &experts.down}) count((*list)[e].matrix, rows[e]);
    }
  }

  void attention(const AttentionArgs& args, const KvLayer& layer, std::span<const KvSlice> slices) override {
    const size_t row_bytes = layer.k_row_bytes + (layer.v_in_k ? 0 : layer.v_row_bytes);
    for (const KvSlice& slice : slices) {
      const int first = args.window > 0 ? std::max(0, slice.first_position - args.window + 1) : 0;
      const int n_seen = slice.first_position + slice.n_rows - first;
      demand_.cache_bytes += static_cast<double>(row_bytes) * layer.n_heads * n_seen;
    }
  }

  void attention_both_ways(const AttentionArgs&, const Tensor&, const Tensor&, std::span<const KvSlice>) override {}
  void kv_store(const Tensor&, const Tensor&, const KvLayer&, std::span<const KvSlice>) override {}
  void rms_norm(const Tensor&, int, const Tensor&, float, Tensor) override {}
  void layer_norm(const Tensor&, const Tensor&, const Tensor&, float, Tensor) override {}
  void rope(Tensor, int, int, const Tensor&, RopePairs) override {}
  void activate(Tensor, Activation) override {}
  void gated_unit(const Tensor&, const Tensor&, const GatedUnit&, Tensor) override {}
  void add(Tensor, const Tensor&) override {}
  void scale(Tensor, float) override {}
  void scale_columns(Tensor, const Tensor&) override {}
  void softcap(Tensor, float) override {}

 private:
  void count(const Tensor& weight, int64_t n_x) {
    if (n_x == 0) return;
    const auto arithmetic = arithmetic_of(cpu::way_to_multiply(kernels_, weight.type(), weight.columns(), n_x));
    demand_.weight_bytes += static_cast<double>(weight.size_bytes());
    demand_.operations[static_cast<size_t>(arithmetic)] +=
        2.0 * static_cast<double>(weight.rows()) * static_cast<double>(weight.columns()) * static_cast<double>(n_x);
  }

  size_t random_below(size_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((state_ >> 33) % n);
  }

  const cpu::CpuKernels kernels_;
  Demand& demand_;
  std::vector<int32_t> shuffled_;
  uint64_t state_ = 1;
};

}  // namespace

double Demand::all_operations() const {
  return std::accumulate(operations.begin(), operations.end(), 0.0);
}

Arithmetic Demand::main_arithmetic() const {
  return static_cast<Arithmetic>(std::max_element(operations.begin(), operations.end()) - operations.begin());
}

Result<std::unique_ptr<Backend>> create_counting_backend(const CpuOptions& options, Demand& demand) {
  const auto kernels = ONDOL_TRY(cpu::select_kernels(options.instruction_set, cpu::detect_features()));
  return std::unique_ptr<Backend>(std::make_unique<CountingBackend>(kernels, demand));
}

}  // namespace ondol
