// The vocabulary of a GGUF file (metadata keys tokenizer.ggml.*), as plain data, and what it means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace ondol {

/// One field per metadata key; what the file does not hold stays empty, nullopt or kNoToken.
struct GgufVocabulary {
  std::string model;       // tokenizer.ggml.model: "gpt2", "llama", "bert", "t5", "gemma4", "whitespace"
  std::string pre;         // tokenizer.ggml.pre; empty = "default"
  std::string model_name;  // general.name: Phi-3's special tokens take the whitespace after them
  std::vector<std::string> tokens;
  std::vector<float> scores;         // empty, or as many as tokens
  std::vector<int32_t> token_types;  // empty, or as many as tokens; 1 normal, 2 unknown, 3 control, 4 user-defined,
                                     // 5 unused, 6 byte
  std::vector<std::string> merges;   // "left right"
  std::string precompiled_charsmap;

  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
  TokenId unk = kNoToken;
  TokenId sep = kNoToken;
  TokenId cls = kNoToken;
  TokenId pad = kNoToken;
  TokenId mask = kNoToken;
  TokenId eot = kNoToken;
  TokenId eom = kNoToken;

  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::optional<bool> add_sep;
  std::optional<bool> add_space_prefix;
  std::optional<bool> remove_extra_whitespaces;
  std::optional<bool> lowercase;      // tokenizer.ggml.normalizer.lowercase
  std::optional<bool> strip_accents;  // tokenizer.ggml.normalizer.strip_accents
};

/// Ids out of range fall back to the model's default (or none) with a note; sizes that do not fit are errors.
Result<TokenizerSpec> make_tokenizer_spec(GgufVocabulary vocabulary);

}  // namespace ondol
