// Reader of SentencePiece's tokenizer.model: a protocol-buffer message ModelProto (sentencepiece_model.proto), read
// with a small bounded decoder. BPE and Unigram models; word and character models are refused.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/hugging_face_config.h"
#include "text/tokenizer_spec.h"

namespace ondol {

/// A file says nothing about what stands around a text: without `beside`, BOS goes before it if the model has one, else
/// EOS after it.
Result<TokenizerSpec> read_sentencepiece(std::string_view model, const HuggingFaceTexts& beside = {});

}  // namespace ondol
