// Phrases: what a question puts between quotation marks has to stand in what is found.
#pragma once

#include <string_view>
#include <vector>

#include "retrieve/normal_text.h"

namespace ondol {

/// Between straight or curly quotation marks; a mark that is not closed begins none.
std::vector<NormalText> phrases_of(std::string_view question);

/// Whether a text has all of them, whatever their case and white space; Latin words as whole words.
bool has_phrases(std::string_view text, const std::vector<NormalText>& phrases);

}  // namespace ondol
