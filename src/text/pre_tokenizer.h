// PreTokenizer: cuts a normalised text into the words that the algorithm sees, and rewrites them where the model wants
// it (spaces as U+2581, bytes in GPT-2's byte alphabet).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/regex.h"
#include "text/scanners.h"
#include "text/tokenizer_spec.h"

namespace ondol {

class PreTokenizer {
 public:
  /// With `keep_bytes` the algorithm takes words as raw bytes: a last step kByteLevel then leaves them as they are.
  static Result<PreTokenizer> create(const std::vector<PreTokenizerStep>& steps, bool keep_bytes);

  /// Cuts `text` (valid UTF-8, not empty), which may be rewritten; `words` are spans of what it is afterwards.
  /// `at_start` says that this is the beginning of the whole input.
  void cut(std::string& text, bool at_start, std::vector<TextSpan>& words) const;

 private:
  struct Step {
    PreTokenizerStep spec;
    Regex regex;
    Scanner scanner = nullptr;
    bool use_engine = false;  // `regex` holds the pattern; else `scanner`, or a literal pattern
    bool to_alphabet = false;
  };
  struct Piece {
    TextSpan span;
    bool matched;
  };

  static void find_pieces(const Step& step, std::string_view text, TextSpan span, std::vector<Piece>& pieces);
  static void join_pieces(PreTokenizerStep::Behavior behavior, const std::vector<Piece>& pieces,
                          std::vector<TextSpan>& words);
  static void split_words(const Step& step, std::string_view text, std::vector<TextSpan>& words);
  /// Changes the characters of each word, without cutting it.
  enum class Rewrite { kMetaspace, kPrefixSpace, kByteAlphabet };
  static void rewrite_words(Rewrite rewrite, const PreTokenizerStep& spec, bool at_start, std::string& text,
                            std::vector<TextSpan>& words);

  std::vector<Step> steps_;
};

}  // namespace ondol
