// CpuDerivatives: the gradients of CpuBackend's operations. Products go through multiply (matmul.h) like those of
// inference; what works on rows follows gradients.h.
#pragma once

#include "backend/cpu/kernels.h"
#include "backend/cpu/matmul.h"
#include "backend/cpu/rounded_weights.h"
#include "backend/cpu/scratch.h"
#include "backend/cpu/turned_weights.h"
#include "backend/derivatives.h"
#include "base/thread_pool.h"

namespace ondol::cpu {

class CpuDerivatives final : public Derivatives {
 public:
  /// Both must outlive it; only one of it and the backend that owns them runs at a time.
  CpuDerivatives(const CpuKernels& kernels, ThreadPool& pool) : kernels_(kernels), pool_(pool) {}

  void copy(const Tensor& from, Tensor to) override;
  void set_zero(Tensor x) override;
  void keep_turned(size_t budget_bytes) override { turned_.set_budget(budget_bytes); }
  void linear(const Tensor& x, std::span<const LinearJob> jobs, DType type) override;
  void linear_input(const Tensor& dy, const Tensor& matrix, DType type, Tensor dx, LinearTraits traits) override;
  void linear_weight(const Tensor& dy, const Tensor& x, DType type, Tensor dmatrix) override;
  void sum_rows(const Tensor& dy, Tensor dbias) override;
  void embed(const Tensor& dy, std::span<const int32_t> ids, Tensor dtable) override;
  void rms_norm(const Tensor& x, int width, const Tensor& weight, float epsilon, Tensor dy, Tensor dweight) override;
  void layer_norm(const Tensor& x, const Tensor& weight, float epsilon, Tensor dy, Tensor dweight,
                  Tensor dbias) override;
  void rope(Tensor dy, int head_dim, int offset, const Tensor& angles, RopePairs pairs) override;
  void activate(const Tensor& x, Activation activation, Tensor dy) override;
  void gated_unit(const Tensor& gate, const Tensor& up, const GatedUnit& unit, Tensor dy, Tensor dup) override;
  void scale_columns(const Tensor& x, const Tensor& factors, Tensor dy, Tensor dfactors) override;
  void softcap(const Tensor& y, float cap, Tensor dy) override;
  double cross_entropy(const Tensor& logits, std::span<const int32_t> targets, float weight, Tensor dlogits) override;
  double divergence(const Tensor& logits, Tensor reference, float weight, Tensor dlogits) override;
  void route(const Tensor& logits, const RouteParams& params, std::span<const int32_t> ids, const Tensor& dweights,
             Tensor dlogits) override;
  void attention(const AttentionRecord& record, std::span<const KvSlice> slices, const Tensor& dout, Tensor dq,
                 Tensor dk, Tensor dv, Tensor dsinks) override;

 private:
  /// body(row) for each row, of which each takes about as long as `cost` elementwise operations.
  template <typename Body>
  void for_rows(int64_t rows, int64_t cost, Body body);
  /// body(first column, columns) for parts of a row.
  template <typename Body>
  void for_columns(int64_t columns, int64_t cost, Body body);

  void add_product(const MatmulJob& job);
  /// Whether rounding a matrix that learns to bytes is the fastest way to multiply it with n rows.
  bool pays_in_bytes(DType type, int64_t k, int64_t n) const;

  /// Rows [begin, begin + n) of x as columns. Valid until the next call.
  Tensor flip(const Tensor& x, int64_t begin, int64_t n);

  const CpuKernels& kernels_;
  ThreadPool& pool_;
  MatmulScratch matmul_;
  RoundedWeights rounded_{kernels_, pool_};
  TurnedWeights turned_{kernels_, pool_};
  Scratch flipped_;     // dy with rows and columns exchanged
  Scratch of_rows_;     // some numbers for each row
  Scratch of_threads_;  // rows that a thread works on
  Scratch attention_;
};

template <typename Body>
void CpuDerivatives::for_rows(int64_t rows, int64_t cost, Body body) {
  constexpr int64_t kChunkCost = 16384;
  auto chunk = [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) body(row);
  };
  pool_.run(rows, std::max<int64_t>(1, kChunkCost / std::max<int64_t>(1, cost)), std::ref(chunk));
}

template <typename Body>
void CpuDerivatives::for_columns(int64_t columns, int64_t cost, Body body) {
  constexpr int64_t kPart = 64;
  for_rows((columns + kPart - 1) / kPart, cost * kPart,
           [&](int64_t part) { body(part * kPart, std::min(kPart, columns - part * kPart)); });
}

}  // namespace ondol::cpu
