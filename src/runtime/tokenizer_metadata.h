// What a conversion needs of a model's tokenizer: GGUF metadata made from the files of a Hugging Face folder, and the
// files of a folder made from GGUF metadata.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "formats/model_file.h"
#include "text/tokenizer_spec.h"

namespace ondol {

struct TokenizerParts {
  Metadata metadata;                                       // tokenizer.ggml.* of a GGUF file
  std::vector<std::pair<std::string, std::string>> files;  // name and content, of a folder
  std::vector<std::string> notes;                          // for a person: what could not be kept as it was
};

/// For a new model of a tokenizer, whose embedding has as many rows as that has tokens.
Result<TokenizerParts> tokenizer_for_gguf(const TokenizerSpec& spec);

/// For converting `file` to GGUF. A folder without a tokenizer gives nothing and a note.
Result<TokenizerParts> tokenizer_for_gguf(const ModelFile& file);

/// For converting `file` to a folder: tokenizer.json, tokenizer_config.json and the chat template.
Result<TokenizerParts> tokenizer_for_folder(const ModelFile& file);

/// `file` as a GGUF file has it, tokenizer and all, for work that needs a model file in memory. A GGUF file is returned
/// as it is. Of a Hugging Face folder, what changes form is copied: little, except where experts are to be stacked.
/// `notes` gets what a person should know.
Result<std::shared_ptr<const ModelFile>> as_gguf(std::shared_ptr<const ModelFile> file,
                                                 std::vector<std::string>& notes);

}  // namespace ondol
