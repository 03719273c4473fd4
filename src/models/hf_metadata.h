// From config.json to GGUF's metadata: the values that an architecture reads, under GGUF's names.
//
// Where GGUF has no key for what a Hugging Face model can say, the key begins with the architecture as well and is
// described here; files that llama.cpp wrote lack it, and the architecture's usual value holds:
//   <arch>.rope.scaling.yarn_truncate   bool: whether YaRN's ramp ends at whole pairs
//   <arch>.activation                   text: a hidden activation other than the architecture's own
//   <arch>.swiglu_alpha, swiglu_limit   floats: gpt-oss's gated unit, where they are not 1.702 and 7
//   ondol.rope_pairs                    text "halves": queries and keys of llama are not in GGUF's order of rows
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/model_file.h"
#include "models/hf_config.h"
#include "models/hf_names.h"

namespace ondol {

struct CanonicalParts {
  Metadata metadata;
  /// Small tensors that Hugging Face keeps in config.json: divisors of rotary frequencies.
  std::vector<std::pair<std::string, std::vector<float>>> vectors;
};

/// Errors name the key of config.json that is missing or asks for something that the architecture cannot do.
Result<CanonicalParts> canonical_parts(const HfConfig& config, const HfArchitecture& architecture);

/// The row at which position embeddings begin: RoBERTa counts positions from the padding token's id + 1.
int64_t first_position_row(const HfConfig& config);

}  // namespace ondol
