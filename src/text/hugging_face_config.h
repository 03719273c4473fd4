// The small JSON files beside a Hugging Face tokenizer, and what they add to its spec: added tokens, which ids are BOS,
// EOS, ..., and whether BOS and EOS are put around a text.
#pragma once

#include <string>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace ondol {

/// Contents of the files; empty where a file is absent.
struct HuggingFaceTexts {
  std::string tokenizer_config;    // tokenizer_config.json
  std::string special_tokens_map;  // special_tokens_map.json
  std::string added_tokens;        // added_tokens.json
  std::string generation_config;   // generation_config.json
};

/// Sets `spec.vocabulary[id]`, which may lie behind its end, for an added token. Refuses ids far behind the end.
Result<void> set_added_token(const AddedToken& token, TokenizerSpec& spec);

/// Errors name the file.
Result<void> apply_hugging_face_config(const HuggingFaceTexts& texts, TokenizerSpec& spec);

}  // namespace ondol
