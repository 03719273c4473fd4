// gguf_tokenizer: the tokenizer that a GGUF file's metadata describe (keys tokenizer.ggml.*).
#pragma once

#include <memory>

#include "base/result.h"
#include "formats/model_file.h"
#include "text/gguf_vocabulary.h"
#include "text/tokenizer.h"

namespace ondol {

/// Errors name file and key.
Result<GgufVocabulary> read_gguf_vocabulary(const ModelFile& file);
Result<std::shared_ptr<const Tokenizer>> load_gguf_tokenizer(const ModelFile& file);

}  // namespace ondol
