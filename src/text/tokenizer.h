// Tokenizer: text to token ids and back. One object, const and thread-safe, whatever the algorithm behind it.
//
// A tokenizer is described by a TokenizerSpec, which the readers fill: tokenizer_json.h (Hugging Face), sentencepiece.h
// (tokenizer.model), vocab_merges.h (GPT-2 style), and runtime/gguf_tokenizer.h (GGUF metadata).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ondol {

using TokenId = int32_t;
constexpr TokenId kNoToken = -1;

struct TokenizerSpec;  // text/tokenizer_spec.h

/// What to do with the text of special tokens ("<|im_end|>") inside the input.
enum class SpecialTokens {
  kParse,       // they become the special token: for rendered templates
  kAsPlainText  // they are ordinary characters: for what a user typed
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Builds the tokenizer that `spec` describes. Fails when the spec contradicts itself.
  static Result<std::shared_ptr<const Tokenizer>> create(TokenizerSpec spec);

  /// Token ids of UTF-8 `text`. Invalid UTF-8 is encoded as bytes (or the unknown token), never refused.
  /// `add_special` puts BOS/EOS/CLS/SEP around, as the model's own settings say.
  virtual std::vector<TokenId> encode(std::string_view text, bool add_special, SpecialTokens special) const = 0;

  /// As encode() with kParse and without anything around, for rendered templates, but special tokens are ordinary
  /// characters where their text begins at one of the byte offsets `plain` (in ascending order); see prompt_text.h.
  virtual std::vector<TokenId> encode_prompt(std::string_view text, std::span<const size_t> plain) const = 0;

  /// The bytes that a token stands for, as they appear in running text. A token may hold half a character.
  /// Control tokens (BOS, <|im_end|>, ...) give "" unless `show_special`. Out-of-range ids give "".
  virtual std::string piece(TokenId id, bool show_special = false) const = 0;

  /// The text of a whole sequence, with what the algorithm trims at the start (SentencePiece's first space) trimmed.
  virtual std::string decode(std::span<const TokenId> ids, bool show_special = false) const = 0;

  /// The entry of the vocabulary as it is written in the file ("Ġhello"), and its id; kNoToken when absent.
  virtual std::string_view token_text(TokenId id) const = 0;
  virtual TokenId find(std::string_view token_text) const = 0;

  virtual int vocabulary_size() const = 0;
  virtual bool is_control(TokenId id) const = 0;
  virtual bool is_unused(TokenId id) const = 0;  // no text becomes this token: padding of the embedding, for example

  virtual TokenId bos() const = 0;  // kNoToken where the model has none; likewise below
  virtual TokenId eos() const = 0;
  virtual bool adds_bos() const = 0;

  /// Whether generation ends at this token: EOS, end of turn, end of message, ...
  virtual bool ends_generation(TokenId id) const = 0;
};

/// Turns a stream of tokens into text that never ends inside a character: bytes of an unfinished UTF-8 sequence wait
/// for the next token. Invalid bytes become U+FFFD.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool show_special = false)
      : tokenizer_(&tokenizer), show_special_(show_special) {}

  /// Text that is now complete; may be empty.
  std::string push(TokenId id);
  /// What is left at the end, with U+FFFD for an unfinished character.
  std::string finish();
  /// The last token ended inside a character.
  bool is_within_character() const { return !pending_.empty(); }

 private:
  const Tokenizer* tokenizer_;
  std::string pending_;
  std::vector<TokenId> leading_;  // tokens at the start, until they give text
  bool show_special_;
  bool at_start_ = true;
};

}  // namespace ondol
