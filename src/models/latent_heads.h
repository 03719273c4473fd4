// The matrices of latent attention that take each head's query into the latent space and its result out of it.
#pragma once

#include <any>
#include <string>
#include <vector>

#include "models/weights.h"

namespace ondol {

constexpr int64_t kMaxLatent = 16384;

struct LatentDims {
  int n_heads = 0;
  int64_t plain = 0;  // of a head's query that is not rotated
  int64_t value = 0;  // of a head's value
  int64_t latent = 0;
};

struct LatentHeads {
  std::vector<Tensor> to_latent;    // per head [latent, plain]
  std::vector<Tensor> from_latent;  // per head [value, latent]
  std::vector<Buffer> copies;
};

/// prefix + "attn_k_b" [n_heads, latent, plain] and "attn_v_b" [n_heads, value, latent]; or, in files that are not
/// split, "attn_kv_b" [n_heads * (plain + value), latent], of which the part for keys is transposed into a copy: F32 as
/// it is, anything else as F16 or BF16.
Result<LatentHeads> load_latent_heads(WeightLoader& loader, const std::string& prefix, const LatentDims& dims);

}  // namespace ondol
