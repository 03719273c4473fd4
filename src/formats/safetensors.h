// Safetensors, the container of Hugging Face: reader for one file, for a sharded model and for a folder, and a writer.
// Source: the format section of the README of huggingface/safetensors.
//
// Refuses headers above 100 MB, keys that occur twice, tensors that overlap, leave gaps or lie outside the file, and
// element types that Ondol cannot hold. BOOL is read as U8. A tensor of more than four dimensions has its innermost
// ones merged, which leaves the order of its numbers as it was.
#pragma once

#include <any>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_file.h"
#include "formats/part_file.h"

namespace ondol {

/// What one file holds. Tensors look into the bytes that were parsed, or, where those are not aligned for their type,
/// into copies that `owners` keeps.
struct SafetensorsContent {
  Metadata metadata;  // the strings of "__metadata__"
  std::vector<TensorEntry> tensors;
  std::vector<std::any> owners;
};

Result<SafetensorsContent> parse_safetensors(std::span<const uint8_t> bytes);

/// The "weight_map" of a model.safetensors.index.json: tensor name to the name of a file beside the index.
Result<std::map<std::string, std::string>> parse_safetensors_index(std::string_view text);

struct SafetensorsWriteOptions {
  /// Above this size the model is written as NAME-00001-of-00003.safetensors, ..., with NAME.safetensors.index.json. A
  /// tensor larger than it gets a file of its own. 0 means one file.
  uint64_t shard_max_bytes = 0;
};

/// Writes a file or the shards of a model, streaming: the data of the tensors is appended in their order, in pieces of
/// any size. Files appear under their names only when all are complete.
class SafetensorsWriter {
 public:
  /// `path` ends in ".safetensors". Metadata must be strings; "format": "pt", which transformers asks for, is added
  /// when absent. Errors: names that occur twice, block types (which the format lacks), anything the system refuses.
  static Result<SafetensorsWriter> create(const std::string& path, const Metadata& metadata,
                                          std::vector<TensorSpec> tensors, const SafetensorsWriteOptions& options = {});

  /// Appends bytes of the current tensor, which must not go beyond its end; a full tensor makes the next one current.
  Result<void> append(std::span<const uint8_t> bytes);

  /// Puts the files in place, the index last. Every tensor must have been written.
  Result<void> finish();

 private:
  struct Shard {
    std::string path;
    std::string header;
    size_t n_tensors = 0;
    uint64_t size_bytes = 0;
  };

  SafetensorsWriter() = default;
  void add_shard(std::string path, size_t first, size_t n_tensors, const Metadata& metadata);
  Result<void> open_next_shard();
  Result<void> advance();
  std::string index_json() const;

  std::string path_;
  std::vector<TensorSpec> tensors_;
  std::vector<Shard> shards_;
  std::vector<PartFile> files_;  // those of shards_ that were begun
  size_t current_tensor_ = 0;
  size_t tensors_left_in_shard_ = 0;
  uint64_t bytes_left_in_tensor_ = 0;
};

/// Writes tensors as they are.
Result<void> write_safetensors(const std::string& path, const Metadata& metadata,
                               const std::vector<TensorEntry>& tensors, const SafetensorsWriteOptions& options = {});

}  // namespace ondol
