// Rope metadata: how a file says which rotary position embedding it was trained with.
//
// Keys, after the architecture's prefix: rope.dimension_count, rope.freq_base, rope.scaling.type ("none", "linear",
// "yarn", "longrope" as in GGUF; "dynamic" is ours, for Hugging Face folders), rope.scaling.factor (or the old
// rope.scale_linear), rope.scaling.original_context_length, rope.scaling.attn_factor, rope.scaling.yarn_{beta_fast,
// beta_slow,attn_factor,log_multiplier,truncate}; and without prefix, ondol.rope_pairs. Tensors: rope_freqs.weight
// (Llama 3), rope_factors_{short,long}.weight.
#pragma once

#include "models/weights.h"
#include "nn/rope.h"

namespace ondol {

/// What `file` says about a head of head_dim elements. Everything in it is in the range that Rope needs.
Result<RopeParams> rope_params(WeightLoader& loader, const ModelConfig& config, int head_dim);

/// Which elements of a head form pairs: what "ondol.rope_pairs" says ("halves" or "interleaved"; Hugging Face folders
/// keep their own order of rows), else GGUF's custom for the architecture.
Result<RopePairs> rope_pairs(const WeightLoader& loader, RopePairs custom);

}  // namespace ondol
