// Low-rank adapters from files: GGUF ("general.type" = "adapter") or a folder as PEFT writes it (adapter_config.json
// beside adapter_model.safetensors).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "formats/model_file.h"
#include "models/model.h"
#include "nn/adapter.h"

namespace ondol {

/// Reads an adapter for `model`, which was loaded from `base`. Errors name the tensor at fault: unknown to the model,
/// of another shape, without its other half, or of a kind that cannot be added while running (experts, embeddings).
Result<std::shared_ptr<const Adapter>> load_adapter(const std::string& path, const Model& model, const ModelFile& base);

}  // namespace ondol
