// Which type each tensor gets when a model is quantised: the mixes that files named Q4_K_M and so on have in practice.
//
// Sensitive matrices (the output, values of attention, the way down of the gated MLP, first and last layers) get more
// bits than the rest; vectors, norms, routers and small odd tensors stay as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/model_file.h"

namespace ondol {

struct QuantizePlanOptions {
  std::string file_type;  // "Q4_K_M"; case does not matter
  /// Regular expressions (ECMAScript, searched in the name) and the type of what they match; the first match counts.
  std::vector<std::pair<std::string, DType>> overrides = {};
  std::optional<DType> output_type = {};     // of output.weight, or of the embedding where it serves as the output
  std::optional<DType> embedding_type = {};  // of token_embd.weight
  bool pure = false;                         // the type of the name for every matrix, no mix
  bool leave_output = false;                 // output.weight stays as it is
  bool has_importance = false;               // an importance matrix is at hand; some mixes differ then
};

struct QuantizePlan {
  std::string file_type;           // the canonical name: "Q4_K_M" for "q4_k"
  uint32_t file_type_id = 0;       // the value of general.file_type
  std::vector<DType> types;        // of each tensor, in the order of the file
  std::vector<std::string> notes;  // what a person should know: tensors whose shape did not allow the planned type
};

/// Errors: an unknown file type (lists the known ones), a bad pattern, a type that cannot be written.
Result<QuantizePlan> plan_quantization(const ModelFile& file, const QuantizePlanOptions& options);

/// The names that `file_type` accepts, without aliases.
std::vector<std::string> quantize_file_types();

/// "attn_v=Q6_K" as pattern and type.
Result<std::pair<std::string, DType>> parse_type_override(std::string_view text);

}  // namespace ondol
