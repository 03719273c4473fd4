#include "nn/linear.h"

#include <algorithm>
#include <cstring>

namespace ondol {

namespace {

/// Whether any row's adapters stretch the rows of this weight.
bool has_stretches(const Context& context, const Weight& weight) {
  return std::any_of(context.adapters.begin(), context.adapters.end(), [&](const AdapterRows& rows) {
    if (!rows.use.adapter->has_stretches()) return false;
    const std::optional<LowRank> parts = rows.use.adapter->find(weight.matrix);
    return parts && !parts->stretch.empty();
  });
}

/// x W^T + b where rows are stretched, which happens before the bias is added.
void stretched_linear(Context& context, const Tensor& x, const Weight& weight, Tensor out) {
  const Weight unbiased{weight.matrix, {}};
  const LinearJob job{&unbiased, out};
  context.backend.linear(x, {&job, 1});
  add_adapters(context, x, weight, out);
  if (!weight.bias.empty()) context.backend.add(out, weight.bias);
}

}  // namespace

void detail::run_linear(Context& context, const Tensor& x, std::span<LinearJob> jobs) {
  for (LinearJob& job : jobs) job.out = context.arena.f32({x.rows(), job.weight->matrix.rows()});
  if (x.rows() == 0) return;
  const auto is_stretched = [&](const LinearJob& job) { return has_stretches(context, *job.weight); };
  if (std::any_of(jobs.begin(), jobs.end(), is_stretched)) {
    for (const LinearJob& job : jobs) stretched_linear(context, x, *job.weight, job.out);
    return;
  }
  context.backend.linear(x, jobs);
  for (const LinearJob& job : jobs) add_adapters(context, x, *job.weight, job.out);
}

void add_adapters(Context& context, const Tensor& x, const Weight& weight, Tensor out) {
  for (const AdapterRows& rows : context.adapters) {
    const std::optional<LowRank> parts = rows.use.adapter->find(weight.matrix);
    if (!parts) continue;
    ArenaScope scope(context.arena);
    const Weight a{parts->a, {}};
    const Weight b{parts->b, {}};
    Tensor inner = context.arena.f32({rows.n_rows, parts->a.rows()});
    const LinearJob down{&a, inner};
    context.backend.linear(x.slice_rows(rows.first_row, rows.n_rows), {&down, 1});
    if (rows.use.factor != 1.0f) context.backend.scale(inner, rows.use.factor);
    const LinearJob up{&b, out.slice_rows(rows.first_row, rows.n_rows), true};
    context.backend.linear(inner, {&up, 1});
    if (!parts->stretch.empty()) context.backend.scale_columns(up.out, parts->stretch);
  }
}

bool has_adapters(const Context& context, const Weight& weight) {
  return std::any_of(context.adapters.begin(), context.adapters.end(),
                     [&](const AdapterRows& rows) { return rows.use.adapter->find(weight.matrix).has_value(); });
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
  if (has_stretches(context, weight)) {
    ArenaScope scope(context.arena);
    const Tensor product = context.arena.f32({x.rows(), weight.matrix.rows()});
    stretched_linear(context, x, weight, product);
    return context.backend.add(residual, product);
  }
  const LinearJob job{&weight, residual, true};
  context.backend.linear(x, {&job, 1});
  add_adapters(context, x, weight, residual);
}

Tensor embed(Context& context, const Tensor& table, std::span<const int32_t> ids) {
  Tensor rows = context.arena.f32({static_cast<int64_t>(ids.size()), table.columns()});
  if (!ids.empty()) context.backend.embed(table, ids, rows);
  return rows;
}

namespace {

/// The adapters of the rows with these ascending numbers, which become rows 0, 1, ...
void select_adapters(Context& context, std::span<const int32_t> rows) {
  std::vector<AdapterRows> selected;
  for (const AdapterRows& old : context.adapters) {
    const auto begin = std::lower_bound(rows.begin(), rows.end(), old.first_row);
    const auto end = std::lower_bound(begin, rows.end(), old.first_row + old.n_rows);
    if (begin == end) continue;
    selected.push_back({old.use, static_cast<int>(begin - rows.begin()), static_cast<int>(end - begin)});
  }
  context.adapters = std::move(selected);
}

}  // namespace

Tensor select_rows(Context& context, const Tensor& x, std::span<const int32_t> rows) {
  const auto n_rows = static_cast<int64_t>(rows.size());
  if (n_rows == x.rows()) return x;
  select_adapters(context, rows);
  Tensor selected = context.arena.f32({n_rows, x.columns()});
  for (int64_t i = 0; i < n_rows; ++i) {
    std::memcpy(selected.f32(i), x.f32(rows[static_cast<size_t>(i)]), x.row_stride_bytes());
  }
  return selected;
}

}  // namespace ondol
