#include "nn/linear.h"

#include <cstring>

namespace ondol {

void detail::run_linear(Context& context, const Tensor& x, std::span<LinearJob> jobs) {
  for (LinearJob& job : jobs) job.out = context.arena.f32({x.rows(), job.weight->matrix.rows()});
  if (x.rows() > 0) context.backend.linear(x, jobs);
}

Tensor linear(Context& context, const Tensor& x, const Weight& weight) {
  return linear_all(context, x, {&weight})[0];
}

Tensor capped_linear(Context& context, const Tensor& x, const Weight& weight, float cap) {
  const Tensor out = linear(context, x, weight);
  if (cap > 0.0f && out.rows() > 0) context.backend.softcap(out, cap);
  return out;
}

void add_linear(Context& context, const Tensor& x, const Weight& weight, Tensor residual) {
  if (x.rows() == 0) return;
  const LinearJob job{&weight, residual, true};
  context.backend.linear(x, {&job, 1});
}

Tensor embed(Context& context, const Tensor& table, std::span<const int32_t> ids) {
  Tensor rows = context.arena.f32({static_cast<int64_t>(ids.size()), table.columns()});
  if (!ids.empty()) context.backend.embed(table, ids, rows);
  return rows;
}

Tensor select_rows(Context& context, const Tensor& x, std::span<const int32_t> rows) {
  const auto n_rows = static_cast<int64_t>(rows.size());
  if (n_rows == x.rows()) return x;
  Tensor selected = context.arena.f32({n_rows, x.columns()});
  for (int64_t i = 0; i < n_rows; ++i) {
    std::memcpy(selected.f32(i), x.f32(rows[static_cast<size_t>(i)]), x.row_stride_bytes());
  }
  return selected;
}

}  // namespace ondol
