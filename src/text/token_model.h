// TokenModel: the algorithm of a tokenizer, from one word to token ids.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/string_index.h"
#include "text/tokenizer_spec.h"

namespace ondol {

/// What the algorithms look up. Control tokens are not in `index`: ordinary text never becomes one.
struct Vocabulary {
  std::vector<VocabularyEntry> entries;
  StringIndex index;
  TokenId unk = kNoToken;
  bool byte_fallback = false;
  bool fuse_unknown = false;
  TokenId byte_tokens[256];  // <0x00> ... <0xFF>; kNoToken where absent

  TokenId find(std::string_view text) const { return index.find(text); }
  bool is_unused(TokenId id) const { return entries[static_cast<size_t>(id)].type == TokenType::kUnused; }
};

/// Ids under construction. Remembers whether the last one stands for unknown text, for `fuse_unknown`.
class TokenSink {
 public:
  TokenSink(const Vocabulary& vocabulary, std::vector<TokenId>& out) : vocabulary_(vocabulary), out_(out) {}

  void push(TokenId id) {
    out_.push_back(id);
    after_unknown_ = false;
  }

  /// Text that the vocabulary lacks: its bytes, or the unknown token, or nothing if there is neither.
  void push_unknown(std::string_view text);

  /// Unknown text of two words never shares a token.
  void end_word() { after_unknown_ = false; }

 private:
  const Vocabulary& vocabulary_;
  std::vector<TokenId>& out_;
  bool after_unknown_ = false;
};

/// Working memory of one encode call.
struct ModelScratch {
  virtual ~ModelScratch() = default;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  virtual std::unique_ptr<ModelScratch> make_scratch() const = 0;

  /// Appends the tokens of one word: valid UTF-8, or any bytes for kBpeBytes.
  virtual void encode(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& out) const = 0;
};

Result<std::unique_ptr<const TokenModel>> make_bpe_model(const TokenizerSpec& spec, const Vocabulary& vocabulary);
Result<std::unique_ptr<const TokenModel>> make_unigram_model(const TokenizerSpec& spec, const Vocabulary& vocabulary);
Result<std::unique_ptr<const TokenModel>> make_word_piece_model(const TokenizerSpec& spec,
                                                                const Vocabulary& vocabulary);

}  // namespace ondol
