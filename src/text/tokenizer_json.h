// Reader of Hugging Face's tokenizer.json: models BPE, Unigram and WordPiece with every normaliser, pre-tokeniser,
// post-processor and decoder that such models use. Refuses WordLevel and parts that it does not know, by name.
// Source: the serialised form of the tokenizers library.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "text/hugging_face_config.h"
#include "text/tokenizer_spec.h"

namespace ondol {

Result<TokenizerSpec> read_tokenizer_json(std::string_view tokenizer_json, const HuggingFaceTexts& beside = {});

}  // namespace ondol
