#include "nn/mlp.h"

#include "nn/linear.h"

namespace ondol {

namespace {

bool is_adapted(const Context& context, const GatedMlp& mlp) {
  return has_adapters(context, mlp.gate) || has_adapters(context, mlp.up) || has_adapters(context, mlp.down);
}

/// act(gate x) * (up x), product by product, so that adapters can add to each.
Tensor gated_inner(Context& context, const Tensor& x, const GatedMlp& mlp) {
  const auto [gate, up] = linear_all(context, x, {&mlp.gate, &mlp.up});
  context.backend.gated_unit(gate, up, mlp.unit, gate);
  return gate;
}

}  // namespace

Tensor gated_mlp(Context& context, const Tensor& x, const GatedMlp& mlp) {
  if (is_adapted(context, mlp)) return linear(context, gated_inner(context, x, mlp), mlp.down);
  Tensor out = context.arena.f32({x.rows(), mlp.down.matrix.rows()});
  if (x.rows() > 0) context.backend.gated_mlp(x, mlp.gate, mlp.up, mlp.down, mlp.unit, out, false);
  return out;
}

void add_gated_mlp(Context& context, const Tensor& x, const GatedMlp& mlp, Tensor residual) {
  if (x.rows() == 0) return;
  if (is_adapted(context, mlp)) {
    ArenaScope scope(context.arena);
    return add_linear(context, gated_inner(context, x, mlp), mlp.down, residual);
  }
  context.backend.gated_mlp(x, mlp.gate, mlp.up, mlp.down, mlp.unit, residual, true);
}

void add_plain_mlp(Context& context, const Tensor& x, const PlainMlp& mlp, Tensor residual) {
  if (x.rows() == 0) return;
  ArenaScope scope(context.arena);
  const Tensor inner = linear(context, x, mlp.up);
  context.backend.activate(inner, mlp.activation);
  add_linear(context, inner, mlp.down, residual);
}

}  // namespace ondol
