// The tokenizer of a Hugging Face folder, whichever of its forms is there: tokenizer.json, else tokenizer.model, else
// vocab.json with merges.txt, else vocab.txt.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "text/hugging_face_config.h"
#include "text/tokenizer.h"
#include "text/tokenizer_spec.h"

namespace ondol {

/// The small files of `folder`; those that are absent stay empty.
Result<HuggingFaceTexts> read_hugging_face_texts(const std::string& folder);

Result<TokenizerSpec> read_tokenizer_folder(const std::string& folder);
Result<std::shared_ptr<const Tokenizer>> load_tokenizer_folder(const std::string& folder);

}  // namespace ondol
