// Mixture of experts: rows are sorted by expert, so that each expert's matrices are read once for all of its rows.
#include <algorithm>
#include <cstring>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/spread.h"

namespace ondol::cpu {

/// Fills expert_begin_, pair_of_ and place_of_: a stable counting sort of the pairs.
void CpuBackend::sort_by_expert(std::span<const int32_t> ids, size_t n_experts) {
  expert_begin_.assign(n_experts + 1, 0);
  for (const int32_t id : ids) {
    ONDOL_CHECK(id >= 0 && static_cast<size_t>(id) < n_experts);
    ++expert_begin_[static_cast<size_t>(id) + 1];
  }
  for (size_t e = 0; e < n_experts; ++e) expert_begin_[e + 1] += expert_begin_[e];
  pair_of_.resize(ids.size());
  place_of_.resize(ids.size());
  for (size_t pair = 0; pair < ids.size(); ++pair) {
    // While they are filled, each expert's begin moves to its end, which is where the next one began.
    const auto place = static_cast<size_t>(expert_begin_[static_cast<size_t>(ids[pair])]++);
    pair_of_[place] = static_cast<int32_t>(pair);
    place_of_[pair] = static_cast<int32_t>(place);
  }
  for (size_t e = n_experts; e > 0; --e) expert_begin_[e] = expert_begin_[e - 1];
  expert_begin_[0] = 0;
}

/// One product for every expert that has rows and each list of weights. With `shared_x` all use the one row of x.
void CpuBackend::add_expert_jobs(std::span<const ExpertProduct> products, const Tensor& x, bool shared_x) {
  jobs_.clear();
  for (size_t e = 0; e + 1 < expert_begin_.size(); ++e) {
    const int64_t begin = expert_begin_[e];
    const int64_t n = expert_begin_[e + 1] - begin;
    if (n == 0) continue;
    const Tensor rows = shared_x ? x : x.slice_rows(begin, n);
    for (const ExpertProduct& product : products) {
      const Weight& weight = (*product.weights)[e];
      jobs_.push_back({rows, weight.matrix, weight.bias, product.out.slice_rows(begin, n), false});
    }
  }
}

bool CpuBackend::every_expert_has_one_row_at_most() const {
  for (size_t e = 0; e + 1 < expert_begin_.size(); ++e) {
    if (expert_begin_[e + 1] - expert_begin_[e] > 1) return false;
  }
  return true;
}

void CpuBackend::experts_mlp(const Tensor& x, const Experts& experts, std::span<const int32_t> ids,
                             std::span<const float> weights, const GatedUnit& unit, Tensor out) {
  const size_t n_experts = experts.gate.size();
  const int64_t n_rows = x.rows();
  ONDOL_CHECK(n_experts > 0 && experts.up.size() == n_experts && experts.down.size() == n_experts);
  ONDOL_CHECK(out.rows() == n_rows && weights.size() == ids.size());
  if (n_rows == 0) return;
  ONDOL_CHECK(ids.size() % static_cast<size_t>(n_rows) == 0);
  const auto n_pairs = static_cast<int64_t>(ids.size());
  const int64_t n_used = n_pairs / n_rows;
  sort_by_expert(ids, n_experts);

  const bool shared_x = n_rows == 1 && every_expert_has_one_row_at_most();
  Tensor rows = x;
  if (!shared_x) {
    rows = gathered_.matrix(n_pairs, x.columns());
    for_rows(n_pairs, x.columns(), [&](int64_t place, int) {
      const int64_t row = pair_of_[static_cast<size_t>(place)] / n_used;
      std::memcpy(rows.f32(place), x.f32(row), static_cast<size_t>(x.columns()) * sizeof(float));
    });
  }
  const int64_t width = experts.gate[0].matrix.rows();
  const Tensor gate = hidden_[0].matrix(n_pairs, width);
  const Tensor up = hidden_[1].matrix(n_pairs, width);
  const ExpertProduct first[] = {{&experts.gate, gate}, {&experts.up, up}};
  add_expert_jobs(first, rows, shared_x);
  multiply(kernels_, pool_, matmul_scratch_, jobs_);
  gated_unit(gate, up, unit, gate);

  const Tensor results = gathered_.matrix(n_pairs, out.columns());
  const ExpertProduct last[] = {{&experts.down, results}};
  add_expert_jobs(last, gate, false);
  multiply(kernels_, pool_, matmul_scratch_, jobs_);
  for_rows(n_rows, n_used * out.columns(), [&](int64_t row, int) {
    for (int64_t pair = row * n_used; pair < (row + 1) * n_used; ++pair) {
      const int64_t place = place_of_[static_cast<size_t>(pair)];
      kernels_.add_scaled(out.f32(row), results.f32(place), weights[static_cast<size_t>(pair)], out.columns());
    }
  });
}

}  // namespace ondol::cpu
