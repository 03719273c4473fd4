// Importance matrices: how much each column of a weight matters, as the mean square of what it is multiplied with.
//
// Reads both kinds of file that llama.cpp's llama-imatrix writes: the older binary ".dat" and the newer GGUF with
// tensors "NAME.in_sum2" and "NAME.counts". Refuses values that are negative or not finite.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/model_file.h"

namespace ondol {

struct ImportanceMatrix {
  /// By the name of the weight: one value a column; for a stack of experts, those of all experts one after another. An
  /// expert that saw no token has ones.
  std::map<std::string, std::vector<float>, std::less<>> columns;
};

/// Reads a file of either kind.
Result<ImportanceMatrix> load_importance(const std::string& path);

/// The content of such a file.
Result<ImportanceMatrix> parse_importance(std::span<const uint8_t> bytes);

}  // namespace ondol
