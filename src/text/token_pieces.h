// TokenPieces: the bytes that each token stands for, worked out once from the decoder steps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace ondol {

class TokenPieces {
 public:
  static TokenPieces create(const TokenizerSpec& spec);

  /// In running text; control and unknown tokens are "" unless `show_special`.
  std::string_view running(TokenId id, bool show_special) const;

  /// How far the trimming at the start of a sequence has come.
  struct Start {
    bool first = true;
    bool done = false;
    int n_stripped = 0;
  };

  /// As `running`, for the tokens at the start until `start.done`: without the space that the algorithm adds there.
  std::string leading(TokenId id, bool show_special, Start& start) const;

  /// Applies what only the whole text can tell (trailing spaces to cut off).
  void finish(std::string& text) const;

 private:
  std::string_view at(size_t id) const;
  std::string piece_of(const TokenizerSpec& spec, const VocabularyEntry& entry) const;

  std::string bytes_;
  std::vector<uint32_t> ends_;
  std::vector<bool> special_;
  std::vector<bool> starts_with_space_;  // a space that is none when the token comes first
  std::string strip_;                    // up to strip_left_ times at the start and strip_right_ at the end
  int strip_left_ = 0;
  int strip_right_ = 0;
  bool trim_all_of_first_ = false;  // Metaspace: the first token loses all its leading spaces
};

}  // namespace ondol
