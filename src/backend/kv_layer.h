// KvLayer: the keys and values of one layer as they lie in memory. Plain data: kernel files include it.
//
// The cache is cut into pages of `page_tokens` positions. A page holds, for each KV head, its keys one after another:
// [head][slot][k_dim], and likewise its values, so a kernel reads one head's part of a page in one run.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tensor/dtype.h"

namespace ondol {

struct KvLayer {
  DType type;       // F32, F16, Q8_0 or Q4_0; block types need dimensions that are multiples of 32
  int n_heads;      // KV heads
  int k_dim;        // elements of one key
  int v_dim;        // elements of one value
  bool v_in_k;      // the value is the first v_dim elements of the key (latent attention); `v` is unused then
  int page_tokens;  // positions in a page
  uint8_t* k;       // page p starts at k + p * k_page_bytes
  uint8_t* v;
  size_t k_row_bytes;
  size_t v_row_bytes;
  size_t k_page_bytes;  // n_heads * page_tokens * k_row_bytes
  size_t v_page_bytes;
};

/// Rows of a batch that belong to one sequence: rows [first_row, first_row + n_rows) are its positions
/// [first_position, first_position + n_rows), and position p lies in page pages[p / page_tokens].
struct KvSlice {
  int first_row;
  int n_rows;
  int first_position;
  const int32_t* pages;
};

}  // namespace ondol
