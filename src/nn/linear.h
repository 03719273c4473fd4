// Linear maps as layers use them. Every product of a model goes through here, so that adapters (LoRA) have one place.
//
// Letters as in backend.h: x is F32 [T, D], weights [H, D]. Results lie in the context's arena. Empty batches (T = 0)
// give empty results.
#pragma once

#include <array>

#include "nn/context.h"

namespace ondol {

/// x W^T + b, [T, H].
Tensor linear(Context& context, const Tensor& x, const Weight& weight);

/// As above, then cap * tanh(. / cap) of each number; 0 is no cap.
Tensor capped_linear(Context& context, const Tensor& x, const Weight& weight, float cap);

/// Several products of the same x in one pass over it: `auto [q, k, v] = linear_all(context, x, {&wq, &wk, &wv})`.
template <size_t N>
std::array<Tensor, N> linear_all(Context& context, const Tensor& x, const Weight* const (&weights)[N]);

/// residual += x W^T + b, with residual [T, H].
void add_linear(Context& context, const Tensor& x, const Weight& weight, Tensor residual);

/// Rows ids[t] of table [V, D], decoded: [T, D]. Ids must lie in [0, V).
Tensor embed(Context& context, const Tensor& table, std::span<const int32_t> ids);

/// The rows of x with these ascending numbers; x itself when these are all of them. The layers that follow are given
/// these rows only: adapters go along.
Tensor select_rows(Context& context, const Tensor& x, std::span<const int32_t> rows);

/// out += B (A x) for the rows whose adapters add to this weight; where they also stretch its rows, `out` must hold x
/// W^T without bias.
void add_adapters(Context& context, const Tensor& x, const Weight& weight, Tensor out);
/// Whether any row's adapters add to this weight.
bool has_adapters(const Context& context, const Weight& weight);

namespace detail {
void run_linear(Context& context, const Tensor& x, std::span<LinearJob> jobs);
}

template <size_t N>
std::array<Tensor, N> linear_all(Context& context, const Tensor& x, const Weight* const (&weights)[N]) {
  std::array<LinearJob, N> jobs;
  std::array<Tensor, N> outputs;
  for (size_t i = 0; i < N; ++i) jobs[i] = {weights[i], {}, false};
  detail::run_linear(context, x, jobs);
  for (size_t i = 0; i < N; ++i) outputs[i] = jobs[i].out;
  return outputs;
}

}  // namespace ondol
