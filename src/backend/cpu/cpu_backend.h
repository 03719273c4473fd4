// CpuBackend: the operations of backend.h on the processor. It checks shapes, spreads rows over threads, owns scratch
// memory, and leaves arithmetic to the table of kernels.
#pragma once

#include <functional>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/cpu_derivatives.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/matmul.h"
#include "backend/cpu/scratch.h"
#include "base/thread_pool.h"

namespace ondol::cpu {

class CpuBackend final : public Backend {
 public:
  CpuBackend(const CpuKernels& kernels, const CpuOptions& options)
      : kernels_(kernels), rounds_floats_(options.rounds_floats), pool_(options.n_threads) {}

  std::string description() const override;
  int n_threads() const override { return pool_.size(); }

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
  Derivatives* derivatives() override { return &derivatives_; }

 private:
  /// body(row, first column, columns) for parts of a matrix, in parallel where it is large enough.
  template <typename Body>
  void for_parts(int64_t rows, int64_t columns, Body body);
  /// body(row, thread) for each row, of which each takes about as long as `cost` elementwise operations.
  template <typename Body>
  void for_rows(int64_t rows, int64_t cost, Body body);

  void sort_by_expert(std::span<const int32_t> ids, size_t n_experts);
  struct ExpertProduct {
    const std::vector<Weight>* weights;
    Tensor out;
  };
  void add_expert_jobs(std::span<const ExpertProduct> products, const Tensor& x, bool shared_x);
  bool every_expert_has_one_row_at_most() const;

  CpuKernels kernels_;
  bool rounds_floats_;
  ThreadPool pool_;
  CpuDerivatives derivatives_{kernels_, pool_};
  MatmulScratch matmul_scratch_;
  std::vector<MatmulJob> jobs_;
  Attention attention_;
  Scratch hidden_[2];  // gate and up
  Scratch gathered_;   // rows of x in the order of their experts
  Scratch per_thread_;
  std::vector<int32_t> expert_begin_;  // [E + 1], where each expert's pairs begin
  std::vector<int32_t> pair_of_;       // pairs (row * n_used + i) in the order of their experts
  std::vector<int32_t> place_of_;      // where each pair came to lie
};

}  // namespace ondol::cpu
