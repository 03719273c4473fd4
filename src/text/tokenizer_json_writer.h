// Writer of Hugging Face's tokenizer.json: the way back from tokenizer_json.h, for tokenizers from any source.
//
// What the format lacks changes form: SentencePiece's scores become merges, its normaliser becomes steps, and word
// starts marked by U+2581 become continuations marked by "##".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace ondol {

/// Errors: parts of a tokenizer that the format has no word for.
Result<std::string> write_tokenizer_json(const TokenizerSpec& spec);

/// tokenizer_config.json: which tokens are BOS, EOS, ..., and the chat template (empty: none).
std::string write_tokenizer_config(const TokenizerSpec& spec, std::string_view chat_template);

}  // namespace ondol
