// Merging: an adapter becomes part of a model's weights.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "formats/model_file.h"
#include "models/model.h"
#include "nn/adapter.h"

namespace ondol {

/// `file`, of which `model` was loaded, with W + B A (and stretched, for DoRA) in place of each W that the adapter adds
/// to. Those are in F32, in memory: 4 bytes a number. All else is as it was. Needs `file` only while the result lives.
Result<std::shared_ptr<const ModelFile>> merge_adapter(std::shared_ptr<const ModelFile> file, const Model& model,
                                                       const Adapter& adapter, ThreadPool& threads);

/// Writes `merged` as GGUF with every tensor in the type that `before` has it in. Both are in GGUF's form. Errors:
/// types that can only be read, and whatever the system refuses.
Result<void> write_in_types_of(const ModelFile& before, const ModelFile& merged, const std::string& path,
                               ThreadPool& threads);

}  // namespace ondol
