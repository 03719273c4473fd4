// Chunker: a document in pieces that can be found, quoted and embedded.
//
// A piece is a few neighbouring blocks below the same heading. Where it ends depends on what stands there and not on
// how much came before, so that an edit changes the pieces around it and leaves the others as they were.
#pragma once

#include <string>
#include <vector>

#include "retrieve/document.h"

namespace ondol {

struct ChunkerOptions {
  size_t least_bytes = 500;
  size_t most_bytes = 1600;
  // About so much of what stands before a piece, in the same section and on the same page, belongs to it as well; at
  // most half of most_bytes, which it counts towards.
  size_t overlap_bytes = 0;
};

struct Chunk {
  size_t start = 0;  // bytes of the document's text
  size_t end = 0;
  int page = 0;          // where it starts
  std::string headings;  // "Title > Chapter > Section", those above it
};

std::vector<Chunk> cut_into_chunks(const Document& document, const ChunkerOptions& options = {});

}  // namespace ondol
