#include "nn/mlp.h"

#include "nn/linear.h"

namespace ondol {

Tensor gated_mlp(Context& context, const Tensor& x, const GatedMlp& mlp) {
  Tensor out = context.arena.f32({x.rows(), mlp.down.matrix.rows()});
  if (x.rows() > 0) context.backend.gated_mlp(x, mlp.gate, mlp.up, mlp.down, mlp.unit, out, false);
  return out;
}

void add_gated_mlp(Context& context, const Tensor& x, const GatedMlp& mlp, Tensor residual) {
  if (x.rows() > 0) context.backend.gated_mlp(x, mlp.gate, mlp.up, mlp.down, mlp.unit, residual, true);
}

void add_plain_mlp(Context& context, const Tensor& x, const PlainMlp& mlp, Tensor residual) {
  if (x.rows() == 0) return;
  ArenaScope scope(context.arena);
  const Tensor inner = linear(context, x, mlp.up);
  context.backend.activate(inner, mlp.activation);
  add_linear(context, inner, mlp.down, residual);
}

}  // namespace ondol
