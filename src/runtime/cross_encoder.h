// Cross-encoder: how well each of some texts answers a question, by a model that reads both as one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/engine.h"

namespace ondol {

/// Whether the model has a head that scores pairs of texts.
bool scores_pairs(const Engine& engine);

/// A question and a text as such a model reads them: "[CLS] q [SEP] d [SEP]" with the second part of type 1, or
/// "<s> q </s></s> d </s>".
struct TokenPair {
  std::vector<TokenId> tokens;
  std::vector<int32_t> types;
};

/// At most `limit` tokens, which is at least 8: the text loses its end, and a question that takes more than half of
/// them too. Error: a tokenizer that puts no marks around texts.
Result<TokenPair> token_pair(const Tokenizer& tokenizer, std::string_view question, std::string_view text,
                             int64_t limit);

/// One number for each text, larger for those that answer better; only their order means something. What the context
/// does not hold is cut off. Texts are batched; the order is kept. Errors: a model without a head, or token_pair's.
Result<std::vector<float>> score_texts(Engine& engine, const std::string& question, std::span<const std::string> texts);

}  // namespace ondol
