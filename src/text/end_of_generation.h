// Which tokens end a generation. Files name one or two of them at best, so the others are known by their texts.
#pragma once

#include "text/tokenizer_spec.h"

namespace ondol {

/// Marks of tokens by id: true where generation ends. Tokens that only their text gives away become control tokens in
/// `spec`, and eot and eom are filled where the file left them open.
std::vector<bool> find_end_of_generation(TokenizerSpec& spec);

}  // namespace ondol
