// Normalizer: what happens to a text before it is cut into words.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/byte_trie.h"
#include "text/charsmap.h"
#include "text/regex.h"
#include "text/tokenizer_spec.h"

namespace ondol {

class Normalizer {
 public:
  /// `protected_texts` are left as they are by a SentencePiece step (its user-defined symbols).
  static Result<Normalizer> create(const std::vector<NormalizerStep>& steps,
                                   const std::vector<std::string>& protected_texts);

  /// Normalises `text`, which must be valid UTF-8; the result is, too. Safe to call from several threads.
  void apply(std::string& text) const;

  bool empty() const { return steps_.empty(); }

 private:
  struct Step {
    NormalizerStep spec;
    Charsmap charsmap;
    Regex regex;
  };

  void apply_step(const Step& step, std::string& text) const;
  void apply_sentencepiece(const Step& step, std::string& text) const;

  std::vector<Step> steps_;
  ByteTrie protected_;
};

}  // namespace ondol
