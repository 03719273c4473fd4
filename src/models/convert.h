// Converting models: a Hugging Face folder to a GGUF file, a GGUF file to a folder, or a file to another float type.
//
// Weights pass through row by row. Numbers are not changed unless a type is asked for: folder to GGUF to folder gives
// the same numbers bit for bit, with two exceptions that GGUF itself makes: Gemma's norms, which it stores with 1 added
// and rounded, and the position rows of RoBERTa that are never read. Tokenizers are not this folder's business: the
// caller hands in what it made of them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/model_file.h"

namespace ondol {

struct ConvertProgress {
  const std::string& tensor;
  size_t index = 0;
  size_t n_tensors = 0;
};

struct ConvertOptions {
  /// F32, F16 or BF16 for all matrices; nothing leaves each as it is. Vectors and norms are F32 in GGUF files.
  std::optional<DType> type;
  /// Metadata that only the caller knows (tokenizer.ggml.*); it replaces the file's own under the same keys.
  Metadata metadata;
  /// Further files of a folder: name and content (tokenizer.json, tokenizer_config.json).
  std::vector<std::pair<std::string, std::string>> files;
  uint64_t max_file_bytes = 0;  // larger models are split; 0: GGUF files are not, safetensors at 5 GB
  std::function<bool(const ConvertProgress&)> progress;  // returns false to stop
};

/// Writes `file`, in either form, as GGUF. Block-quantised tensors stay as they are. Returns the paths written.
Result<std::vector<std::string>> convert_to_gguf(std::shared_ptr<const ModelFile> file, const std::string& path,
                                                 const ConvertOptions& options);

/// Writes `file`, in either form, as config.json and safetensors into `folder`, which is created. Block-quantised
/// tensors are decoded, to BF16 unless a type is asked for.
Result<void> convert_to_hugging_face(std::shared_ptr<const ModelFile> file, const std::string& folder,
                                     const ConvertOptions& options);

}  // namespace ondol
