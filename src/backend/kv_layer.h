// KvLayer: the keys and values of one layer as they lie in memory. Plain data: kernel files include it.
//
// The cache is cut into pages of `page_tokens` positions. A page holds, for each KV head, its keys one after another:
// [head][slot][k_dim], and likewise its values, so a kernel reads one head's part of a page in one run.
//
// Keys and values may be stored turned: each run of `order` elements of a head multiplied by the normalised Hadamard
// matrix of that order (Ashkboos et al., QuaRot, 2024). It is orthogonal and its own inverse. Turned queries have the
// same products with turned keys, and a sum of turned values turns back as a whole, so attention is unchanged; but a
// channel much larger than the others, which alone would set a block's step, is spread over the whole run.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tensor/dtype.h"

namespace ondol {

struct KvLayer {
  DType k_type;     // F32, F16, Q8_0 or Q4_0; block types need dimensions that are multiples of 32
  DType v_type;     // likewise; k_type if v_in_k
  int k_order;      // of the Hadamard matrices, a power of two from 16 on that divides k_dim; 0: stored as they are
  int v_order;      // likewise of v_dim; both are 0 if v_in_k
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
