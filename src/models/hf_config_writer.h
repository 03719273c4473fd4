// From GGUF's metadata to config.json: the way back from hf_metadata.h.
#pragma once

#include "base/json.h"
#include "formats/model_file.h"
#include "models/hf_names.h"
#include "tensor/dtype.h"

namespace ondol {

/// config.json for a canonical file that is written as `architecture`, with most weights in `type`. It is in the style
/// of transformers 4, which 5 reads as well. Errors name keys that are missing, and rotary divisors that no settings of
/// Llama 3 give.
Result<json::object> hf_config(const ModelFile& file, const HfArchitecture& architecture, DType type);

}  // namespace ondol
