#include "nn/norm.h"

namespace ondol {

Tensor rms_norm(Context& context, const Tensor& x, const Tensor& weight, float epsilon) {
  Tensor out = context.arena.f32(x.shape());
  if (x.rows() > 0) context.backend.rms_norm(x, static_cast<int>(x.columns()), weight, epsilon, out);
  return out;
}

void rms_norm_heads(Context& context, Tensor x, const Tensor& weight, float epsilon) {
  if (x.rows() > 0) context.backend.rms_norm(x, static_cast<int>(weight.columns()), weight, epsilon, x);
}

Tensor layer_norm(Context& context, const Tensor& x, const LayerNorm& norm, float epsilon) {
  Tensor out = context.arena.f32(x.shape());
  if (x.rows() > 0) context.backend.layer_norm(x, norm.weight, norm.bias, epsilon, out);
  return out;
}

void add_rms_norm(Context& context, Tensor x, Tensor y, const Tensor& weight, float epsilon) {
  if (x.rows() == 0) return;
  context.backend.rms_norm(y, static_cast<int>(y.columns()), weight, epsilon, y);
  context.backend.add(x, y);
}

}  // namespace ondol
