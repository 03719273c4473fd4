// From a tokenizer to the vocabulary of a GGUF file: the way back from make_tokenizer_spec.
//
// GGUF describes tokenizers by name, not by steps, so some things change form: merges on characters become scores, a
// pre-tokeniser becomes the name of one that cuts the same way, WordPiece's "##" becomes U+2581 at the start of words.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "text/gguf_vocabulary.h"
#include "text/tokenizer_spec.h"

namespace ondol {

struct GgufVocabularyWithNotes {
  GgufVocabulary vocabulary;
  std::vector<std::string> notes;  // what GGUF cannot say, for a person to see
};

/// `n_rows` is how many rows the model's embedding has (0: as many as tokens): further rows get unused tokens. Errors:
/// more tokens than rows, algorithms that GGUF lacks.
Result<GgufVocabularyWithNotes> make_gguf_vocabulary(const TokenizerSpec& spec, int64_t n_rows);

/// The name in GGUF of a pre-tokeniser that cuts a set of difficult texts as the spec's does. When there is none, the
/// closest one, with a note.
Result<std::string> pre_tokenizer_name(const TokenizerSpec& spec, std::vector<std::string>& notes);

}  // namespace ondol
