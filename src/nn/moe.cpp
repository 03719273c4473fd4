#include "nn/moe.h"

#include "nn/linear.h"

namespace ondol {

void add_moe(Context& context, const Tensor& x, const MoeLayer& layer, Tensor residual) {
  if (x.rows() == 0) return;
  ArenaScope scope(context.arena);
  const Tensor logits = linear(context, x, layer.router);
  const auto n_choices = static_cast<size_t>(x.rows()) * static_cast<size_t>(layer.route.n_used);
  const std::span<int32_t> ids = context.arena.ids(n_choices);
  Tensor weights = context.arena.f32({x.rows(), layer.route.n_used});
  context.backend.route(logits, layer.route, ids, {weights.f32(), n_choices});
  context.backend.experts_mlp(x, layer.experts, ids, {weights.f32(), n_choices}, layer.unit, residual);
}

}  // namespace ondol
