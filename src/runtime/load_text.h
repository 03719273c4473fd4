// load_text: the tokenizer and chat template that come with a model, wherever its container keeps them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "formats/model_file.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace ondol {

struct ModelText {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;  // empty when the model has none
};

/// From GGUF metadata, or from the tokenizer files of a Hugging Face folder. A template that does not parse is an
/// error.
Result<ModelText> load_text(const ModelFile& file);

/// The source of the model's chat template; empty when it has none.
Result<std::string> load_template_source(const ModelFile& file);

/// The tokenizer of whatever `path` is: a GGUF file, a folder with tokenizer files (and perhaps nothing else), or one
/// of those files.
Result<std::shared_ptr<const Tokenizer>> open_tokenizer(const std::string& path);

}  // namespace ondol
