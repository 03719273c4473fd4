// Causal attention over the KV cache (Vaswani et al., 2017; grouped queries: Ainslie et al., 2023).
#pragma once

#include "nn/context.h"

namespace ondol {

struct AttentionParams {
  int n_heads = 0;
  int n_kv_heads = 0;
  int k_dim = 0;
  int v_dim = 0;
  float scale = 1.0f;    // of the logits, usually 1 / sqrt(k_dim)
  float softcap = 0.0f;  // logits become softcap * tanh(logits / softcap); 0 is off
  int window = 0;        // positions that a position sees, itself included; 0 is all before it
  Tensor sinks;          // F32 [n_heads]: a logit per head that takes part in the softmax only; or empty
};

/// Stores k [T, n_kv_heads * k_dim] and v [T, n_kv_heads * v_dim] (both rotated already) at the slices' positions, then
/// attends with q [T, n_heads * k_dim]. Returns [T, n_heads * v_dim] in the context's arena.
Tensor attention(Context& context, const AttentionParams& params, const Tensor& q, const Tensor& k, const Tensor& v,
                 const KvLayer& layer, std::span<const KvSlice> slices);

}  // namespace ondol
