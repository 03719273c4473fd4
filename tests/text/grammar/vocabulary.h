// A vocabulary of all single bytes (ids 0 to 255), some words, and special tokens.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "text/gguf_vocabulary.h"
#include "text/tokenizer.h"
#include "text/tokenizer_spec.h"

namespace ondol::grammar_tests {

/// A byte as GPT-2's vocabularies write it.
inline std::string byte_letter(uint8_t byte) {
  int code = byte;
  const auto printable = [](int b) { return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE; };
  if (!printable(byte)) {
    code = 0x100;
    for (int b = 0; b < byte; ++b) code += !printable(b);
  }
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

inline std::shared_ptr<const Tokenizer> make_tokenizer(const std::vector<std::string>& words,
                                                       const std::vector<std::string>& more_special = {}) {
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "qwen2";
  const auto add = [&](const std::string& text, int type) {
    vocabulary.tokens.push_back(text);
    vocabulary.token_types.push_back(type);
    vocabulary.scores.push_back(0);
  };
  for (int byte = 0; byte < 256; ++byte) add(byte_letter(static_cast<uint8_t>(byte)), 1);
  for (const std::string& word : words) {
    std::string text;
    for (const char byte : word) text += byte_letter(static_cast<uint8_t>(byte));
    if (word.size() > 1) add(text, 1);
  }
  add("\u00a1\u00a2", 1);  // there has to be a merge
  vocabulary.merges = {"\u00a1 \u00a2"};
  for (const std::string& special : more_special) add(special, 3);
  for (const char* special : {"<|im_start|>", "<|im_end|>", "<tool_call>"}) add(special, 3);
  vocabulary.eos = static_cast<TokenId>(vocabulary.tokens.size()) - 2;
  auto spec = make_tokenizer_spec(std::move(vocabulary));
  return *Tokenizer::create(std::move(*spec));
}

/// The token with these bytes.
inline TokenId ids_of(const Tokenizer& tokenizer, const std::string& bytes) {
  for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
    if (tokenizer.piece(id, true) == bytes) return id;
  }
  return kNoToken;
}

}  // namespace ondol::grammar_tests
