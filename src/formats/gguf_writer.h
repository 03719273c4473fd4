// The GGUF writer: version 3, streaming. Header, metadata and the list of tensors come first; then the data of the
// tensors is appended in their order, in pieces of any size, so that no tensor has to be in memory as a whole.
//
// A file appears under its name only when it is complete (part_file.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/model_file.h"
#include "formats/part_file.h"

namespace ondol {

struct GgufWriteOptions {
  /// Above this size the model is split into NAME-00001-of-00003.gguf, ...; a tensor larger than it gets a part of its
  /// own. 0 means one file.
  uint64_t split_max_bytes = 0;
};

class GgufWriter {
 public:
  /// Lays the files out and writes the first header. `path` ends in ".gguf". Metadata keeps its order and widths; an
  /// alignment other than 32 is taken from "general.alignment". Errors: names that occur twice, types that GGUF lacks,
  /// rows that are no multiple of the block size, anything the system refuses.
  static Result<GgufWriter> create(const std::string& path, const Metadata& metadata, std::vector<TensorSpec> tensors,
                                   const GgufWriteOptions& options = {});

  /// Appends bytes of the current tensor, which must not go beyond its end; a full tensor makes the next one current.
  Result<void> append(std::span<const uint8_t> bytes);

  /// Puts the files in place and returns their paths. Every tensor must have been written.
  Result<std::vector<std::string>> finish();

 private:
  struct Part {
    std::string path;
    std::string header;
    size_t n_tensors = 0;
    uint64_t size_bytes = 0;
  };

  GgufWriter() = default;
  Result<void> open_next_part();
  Result<void> pad();

  uint64_t alignment_ = 0;
  std::vector<TensorSpec> tensors_;
  std::vector<Part> parts_;
  std::vector<PartFile> files_;  // those of parts_ that were begun
  size_t current_tensor_ = 0;
  size_t tensors_left_in_part_ = 0;
  uint64_t bytes_left_in_tensor_ = 0;
};

/// Writes tensors as they are.
Result<void> write_gguf(const std::string& path, const Metadata& metadata, const std::vector<TensorEntry>& tensors,
                        const GgufWriteOptions& options = {});

}  // namespace ondol
