// Late interaction: how well each of some texts answers a question, by the tokens of both (Khattab and Zaharia, 2020:
// ColBERT). Each token of the question counts as much as the token of the text that is nearest to it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/engine.h"

namespace ondol {

/// One number for each text, from -1 to 1: the mean over the question's tokens of the largest cosine between their
/// final hidden states and those of the text's. What the context does not hold is cut off. Error: a question or a text
/// of no tokens.
Result<std::vector<float>> match_texts(Engine& engine, const std::string& question, std::span<const std::string> texts);

}  // namespace ondol
