#include "text/tokenizer.h"
#include "text/unicode.h"

namespace ondol {

std::string StreamDecoder::push(TokenId id) {
  const std::string piece = tokenizer_->piece(id, show_special_);
  if (piece.empty()) return {};
  if (at_start_) {
    leading_.push_back(id);
    const std::string text = tokenizer_->decode(leading_, show_special_);
    if (text.empty()) return {};
    // Only what goes away at the start counts here: spaces at the end stay until the end is known.
    pending_ = leading_.size() == 1 && piece.starts_with(text) ? piece : text;
    leading_.clear();
    at_start_ = false;
  } else {
    pending_ += piece;
  }
  const size_t complete = pending_.size() - unfinished_utf8_suffix(pending_);
  std::string out = replace_invalid_utf8(std::string_view(pending_).substr(0, complete));
  pending_.erase(0, complete);
  return out;
}

std::string StreamDecoder::finish() {
  std::string out = replace_invalid_utf8(pending_);
  pending_.clear();
  leading_.clear();
  at_start_ = true;
  return out;
}

}  // namespace ondol
