// Normalisation layers. x is F32 [T, D]; results lie in the context's arena.
#pragma once

#include "nn/context.h"

namespace ondol {

/// Root-mean-square norm (Zhang and Sennrich, 2019): x / sqrt(mean(x^2) + epsilon) * weight.
Tensor rms_norm(Context& context, const Tensor& x, const Tensor& weight, float epsilon);

/// As above for each head of x [T, n_heads * head_dim] by itself, with weight [head_dim]. In place.
void rms_norm_heads(Context& context, Tensor x, const Tensor& weight, float epsilon);

/// Layer norm (Ba et al., 2016): (x - mean) / sqrt(variance + epsilon) * weight + bias.
struct LayerNorm {
  Tensor weight;
  Tensor bias;
};
Tensor layer_norm(Context& context, const Tensor& x, const LayerNorm& norm, float epsilon);

/// x += rms_norm(y), the residual step of models that norm what a layer gives. `y` is overwritten.
void add_rms_norm(Context& context, Tensor x, Tensor y, const Tensor& weight, float epsilon);

}  // namespace ondol
