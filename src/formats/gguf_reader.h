// The GGUF reader: bytes to metadata and tensors. Reads versions 2 and 3, little endian, whole or split into parts.
//
// Refuses, saying where and why: version 1, big-endian files, arrays of arrays (nothing writes them), more than four
// dimensions, unknown tensor types, duplicate names, and anything that does not lie inside the file. Memory stays
// proportional to the bytes that are there, whatever the counts in the file claim.
#pragma once

#include <cstdint>
#include <span>

#include "formats/model_file.h"

namespace ondol {

/// What one GGUF file (one part of a split model) holds. Tensors look into the bytes that were parsed.
struct GgufContent {
  uint32_t version = 0;
  uint32_t alignment = 0;
  Metadata metadata;
  std::vector<TensorEntry> tensors;
};

/// Parses the bytes of one file. Errors give the byte offset. Source: the GGUF specification.
Result<GgufContent> parse_gguf(std::span<const uint8_t> bytes);

}  // namespace ondol
