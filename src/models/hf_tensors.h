// Weights of a Hugging Face folder under canonical names, in canonical form.
#pragma once

#include <any>
#include <vector>

#include "formats/model_file.h"
#include "models/hf_config.h"
#include "models/hf_names.h"

namespace ondol {

struct CanonicalTensors {
  std::vector<TensorEntry> tensors;
  std::vector<std::any> owners;  // the memory of those that are not in the mapped files
};

/// Renames and, where the form differs, converts all tensors of `source`. Tensors of layers that the architecture does
/// not know are errors, because leaving one out would change results; other unknown ones (vision towers, heads for
/// other tasks) are left out. `first_position_row` is where position embeddings begin.
Result<CanonicalTensors> canonical_tensors(const ModelFile& source, const HfArchitecture& architecture, int n_layers,
                                           int64_t first_position_row);

}  // namespace ondol
