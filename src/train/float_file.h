// A model file whose tensors are all F32, in memory that may be written to: what training from scratch and full
// fine-tuning change.
#pragma once

#include "formats/model_file.h"
#include "train/parameters.h"

namespace ondol::train {

/// Decodes every tensor of `file`. Fails when one has a type that cannot be decoded.
Result<std::shared_ptr<const ModelFile>> in_floats(const ModelFile& file);

/// Adds every tensor of a file that in_floats made, but those that are not learnt (rope_freqs and the like).
void add_all(const ModelFile& file, Parameters& parameters);

}  // namespace ondol::train
