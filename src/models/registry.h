// The architectures that Ondol knows. A new one is a file with a load function, declared and listed here.
#pragma once

#include "models/weights.h"

namespace ondol {

using LoadFunction = Result<std::unique_ptr<Model>> (*)(WeightLoader&);

Result<std::unique_ptr<Model>> load_llama(WeightLoader& loader);

/// GGUF's names of all known architectures, for messages and `ondol doctor`.
std::vector<std::string> known_architectures();

}  // namespace ondol
