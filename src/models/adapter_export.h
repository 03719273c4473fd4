// Adapters as the peft package has them: a folder with adapter_config.json and adapter_model.safetensors.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "formats/model_file.h"
#include "models/model.h"

namespace ondol {

/// What an adapter adds to one weight, in the order of rows that `model` has.
struct AdapterExportPart {
  std::string stem;  // "blk.0.attn_q"
  Tensor a;          // F32 [r, D]
  Tensor b;          // F32 [H, r], without the adapter's scale
  Tensor magnitude;  // F32 [H], or empty
};

struct PeftSettings {
  int rank = 0;
  double alpha = 0;
  bool root_of_rank = false;  // the scale is alpha / sqrt(rank), not alpha / rank
};

/// Writes the folder, which is created. Names and the order of rows become Hugging Face's, whatever `base` is. Errors:
/// an architecture that Hugging Face has no names for, and whatever the system refuses.
Result<void> write_peft_adapter(const std::string& folder, const std::vector<AdapterExportPart>& parts,
                                const PeftSettings& settings, const Model& model, const ModelFile& base);

}  // namespace ondol
