// From what a person calls a model to its file: a path, or a name in the local store.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "hub/store.h"

namespace ondol {

/// A path (a file, or a folder with safetensors) that exists, or the model of this name in the store. A path's model is
/// called after its file: "sample" for examples/sample.gguf.
Result<StoredModel> find_model(const std::string& path_or_name, const Store& store);

/// What is meant where no model is named: ONDOL_MODEL, the newest one in the store, or else the one that comes with the
/// program.
Result<StoredModel> find_default_model(const Store& store);

/// The small model that comes with the program, which lies in this folder: in share/ondol beside it, or in
/// models/default of the source tree that it was built in.
std::optional<StoredModel> shipped_model(const std::filesystem::path& program_folder);

/// Whether this names something that exists, or can only be meant as a path.
bool names_model(const std::string& path_or_name, const Store& store);

}  // namespace ondol
