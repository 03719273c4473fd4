// Readers of vocabularies that come as plain lists: vocab.json with merges.txt (GPT-2, Qwen2, Phi-4, ...) and vocab.txt
// (BERT). These files do not say how text is cut into words; that follows from the tokenizer's class and, for
// GPT2Tokenizer, from the size of the vocabulary, unless `pre` names it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/hugging_face_config.h"
#include "text/tokenizer_spec.h"

namespace ondol {

/// `pre` is a name of named_pre_tokenizers.h, or empty. A guess is noted in the spec.
Result<TokenizerSpec> read_vocab_merges(std::string_view vocab_json, std::string_view merges_txt,
                                        const HuggingFaceTexts& beside = {}, std::string_view pre = {});

/// One token a line.
Result<TokenizerSpec> read_bert_vocabulary(std::string_view vocab_txt, const HuggingFaceTexts& beside = {});

}  // namespace ondol
