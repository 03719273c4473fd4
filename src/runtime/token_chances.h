// TokenChances: how likely the model held tokens to be, before any sampling step.
#pragma once

#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

struct TokenChance {
  TokenId token = kNoToken;
  float logprob = 0;  // natural logarithm
};

struct TokenChances {
  float logprob = 0;              // of the chosen token
  std::vector<TokenChance> best;  // the most likely first; equal ones by id
};

/// Of softmax(logits). Impossible tokens (-infinity, NaN) get the lowest finite number, which JSON can hold.
TokenChances chances_of(std::span<const float> logits, TokenId chosen, int n_best);

}  // namespace ondol
