// The feed-forward layers. x is F32 [T, D], F the inner width.
#pragma once

#include "nn/context.h"

namespace ondol {

/// down(act(gate x) * (up x)) (Shazeer, 2020: GLU variants improve transformers).
struct GatedMlp {
  Weight gate;  // [F, D]
  Weight up;    // [F, D]
  Weight down;  // [D, F]
  GatedUnit unit;
};
Tensor gated_mlp(Context& context, const Tensor& x, const GatedMlp& mlp);
/// residual += gated_mlp(x).
void add_gated_mlp(Context& context, const Tensor& x, const GatedMlp& mlp, Tensor residual);

/// residual += down(act(up x)).
struct PlainMlp {
  Weight up;    // [F, D]
  Weight down;  // [D, F]
  Activation activation = Activation::kGeluTanh;
};
void add_plain_mlp(Context& context, const Tensor& x, const PlainMlp& mlp, Tensor residual);

}  // namespace ondol
