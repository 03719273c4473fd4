// Rotary embedding: from the descriptions in config.json to GGUF's keys and tensors.
#pragma once

#include "models/hf_config.h"
#include "models/hf_metadata.h"
#include "models/meta_builder.h"

namespace ondol {

struct HfRopeOptions {
  int64_t head_dim = 0;
  double default_theta = 10000.0;
  bool deepseek = false;  // "mscale_all_dim" changes the scale of attention, and the temperature counts from it
};

/// Adds the rope.* keys of the layers that attend to everything, and divisors of frequencies as vectors. GGUF's
/// "rope.scaling.attn_factor" multiplies the temperature that YaRN has anyway. Errors name types that are not known.
Result<void> add_rope(const HfConfig& config, MetaBuilder& meta, CanonicalParts& parts, const HfRopeOptions& options);

}  // namespace ondol
