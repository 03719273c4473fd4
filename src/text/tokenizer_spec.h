// TokenizerSpec: everything that describes a tokenizer, as plain data.
//
// Readers (tokenizer_json.h, sentencepiece.h, vocab_merges.h, gguf_vocabulary.h) fill one; Tokenizer::create turns it
// into a working tokenizer. A text passes these stages, in this order:
//   added tokens are cut out -> normaliser -> (added tokens marked `normalized` are cut out) -> pre-tokeniser
//   -> the algorithm, word by word -> `prefix` and `suffix` around it all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

enum class TokenAlgorithm {
  kBpeBytes,       // merges by rank, on bytes; vocabulary texts are in GPT-2's byte alphabet (U+0120 for a space)
  kBpeCharacters,  // merges by rank, on characters; unknown characters as bytes (<0xE3>) or the unknown token
  kBpeScores,      // SentencePiece BPE: the pair whose joined text has the best score is merged first
  kUnigram,        // the segmentation with the best sum of scores (Viterbi)
  kWordPiece,      // the longest matching piece from the left
};

enum class TokenType : uint8_t { kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };

struct VocabularyEntry {
  std::string text;
  double score = 0;
  TokenType type = TokenType::kNormal;
  bool in_model = true;  // false: only an added token, which the algorithm does not know
};

struct TokenMerge {
  std::string left;
  std::string right;
};

/// A token that is found in the text itself, before anything else happens to it.
struct AddedToken {
  TokenId id = kNoToken;
  std::string content;
  bool special = false;      // a control token: only with SpecialTokens::kParse
  bool normalized = false;   // searched in the normalised text, by its normalised content
  bool lstrip = false;       // takes the whitespace before it
  bool rstrip = false;       // takes the whitespace after it
  bool single_word = false;  // only between characters that are no word characters
};

struct NormalizerStep {
  enum class Kind {
    kUnicodeForm,  // `form`
    kLowercase,
    kStripAccents,   // drops marks
    kReplace,        // every `pattern` by `content`; a regular expression if is_regex
    kPrepend,        // `content` in front of a text that is not empty
    kStrip,          // whitespace at `left` and `right` ends
    kBert,           // clean_text, split_cjk, strip_accents, lowercase
    kNmt,            // drops control characters, exotic spaces become " "
    kCharsmap,       // SentencePiece's compiled rules, `blob`, applied grapheme by grapheme as Hugging Face does
    kSentencePiece,  // SentencePiece's whole normaliser: rules in `blob` (may be empty) and its treatment of spaces
    kByteLevel,      // the bytes in GPT-2's byte alphabet
  };
  Kind kind = Kind::kUnicodeForm;
  enum class Form { kNfc, kNfd, kNfkc, kNfkd } form = Form::kNfc;
  std::string pattern;
  std::string content;
  std::string blob;
  bool is_regex = false;
  bool left = false;
  bool right = false;
  bool clean_text = false;
  bool split_cjk = false;
  bool strip_accents = false;
  bool lowercase = false;
  bool add_dummy_prefix = false;
  bool remove_extra_whitespaces = false;
  bool escape_whitespaces = false;
  bool whitespace_as_suffix = false;
};

struct PreTokenizerStep {
  enum class Kind {
    kSplit,            // by `pattern` (regular expression if is_regex), `behavior`, `invert`
    kByteLevel,        // add_prefix_space; GPT-2's pattern if use_regex; then bytes in GPT-2's byte alphabet
    kMetaspace,        // " " becomes `content`; `prepend`; split before each if `split`
    kDigits,           // `behavior`: kIsolated cuts out each digit, kContiguous runs of them
    kPunctuation,      // `behavior`
    kWhitespace,       // words and runs of symbols; spaces are dropped
    kWhitespaceSplit,  // at whitespace, which is dropped
    kBert,             // at whitespace, which is dropped, and around each punctuation character
    kFixedLength,      // every `length` characters
  };
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  enum class Prepend { kAlways, kFirst, kNever };
  Kind kind = Kind::kSplit;
  std::string pattern;
  std::string content;
  Behavior behavior = Behavior::kIsolated;
  Prepend prepend = Prepend::kNever;
  bool is_regex = false;
  bool invert = false;
  bool add_prefix_space = false;
  bool use_regex = false;
  bool split = false;
  int length = 0;
};

struct DecoderStep {
  enum class Kind {
    kByteLevel,     // out of GPT-2's byte alphabet
    kByteFallback,  // <0xE3> is the byte
    kFuse,          // what follows sees the whole text, not one token
    kReplace,       // every `pattern` by `content`
    kStrip,         // up to `left` times `content` at the start, `right` at the end
    kMetaspace,     // `pattern` becomes " "; none at the start if `trim_first`
    kWordPiece,     // " " before each token unless it starts with `pattern`, which is dropped
    kWordStart,     // `pattern` at a token's start becomes " " (none before the first token)
    kSuffix,        // `pattern` at a token's end becomes " "
  };
  Kind kind = Kind::kFuse;
  std::string pattern;
  std::string content;
  int left = 0;
  int right = 0;
  bool trim_first = false;
  bool cleanup = false;  // kWordPiece: English punctuation loses the space before it
};

struct TokenizerSpec {
  TokenAlgorithm algorithm = TokenAlgorithm::kBpeBytes;
  std::vector<VocabularyEntry> vocabulary;  // index = id
  std::vector<TokenMerge> merges;           // best first
  std::vector<AddedToken> added_tokens;
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::vector<DecoderStep> decoder;

  // Of the algorithm.
  bool ignore_merges = false;       // BPE: a word that is in the vocabulary is that token, whatever the merges say
  bool whole_newline_runs = false;  // BPE: likewise for words of nothing but "\n"
  bool byte_fallback = false;       // unknown characters become <0x..> tokens
  bool fuse_unknown = false;        // neighbouring unknown characters give one unknown token
  bool sentencepiece_scores =
      false;                       // Unigram: as SentencePiece adds them: as float, and user-defined tokens always win
  std::string continuing_prefix;   // BPE, WordPiece: "##"
  std::string word_start_prefix;   // WordPiece in GGUF: U+2581
  std::string end_of_word_suffix;  // BPE: "</w>"
  int max_word_characters = 0;     // WordPiece: longer words are unknown; 0 = no limit

  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
  TokenId unk = kNoToken;
  TokenId sep = kNoToken;
  TokenId cls = kNoToken;
  TokenId pad = kNoToken;
  TokenId mask = kNoToken;
  TokenId eot = kNoToken;
  TokenId eom = kNoToken;
  std::vector<TokenId> end_of_generation;  // further ids, beside eos, eot, eom and the well-known texts

  /// What `add_special` puts around a text.
  std::vector<TokenId> prefix;
  std::vector<TokenId> suffix;

  /// Remarks of the reader for a log: guesses that it had to make, things that it left out.
  std::vector<std::string> notes;
};

}  // namespace ondol
