// The pre-tokenisers that GGUF's tokenizer.ggml.pre names: how each model family cuts text before byte-pair encoding.
//
// Patterns are those of the families' own tokenizer.json. An unknown name is refused, with the list of known ones: a
// guess would cut text in other places than the model was trained on, which nobody notices but in worse answers.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace ondol {

struct NamedPreTokenizer {
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> steps;
  bool ignore_merges = false;
  bool on_characters = false;  // merges run on characters (with byte fallback), spaces as U+2581 if escape_spaces
  bool escape_spaces = false;
  bool adds_bos = false;  // where the file does not say
};

Result<NamedPreTokenizer> find_named_pre_tokenizer(std::string_view name);

/// All names, in the table's order.
std::vector<std::string_view> named_pre_tokenizers();

}  // namespace ondol
