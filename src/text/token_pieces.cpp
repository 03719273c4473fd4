#include "text/token_pieces.h"

#include <algorithm>

#include "text/byte_level.h"

namespace ondol {
namespace {

using Kind = DecoderStep::Kind;

void replace_all(std::string& text, std::string_view pattern, std::string_view content) {
  if (pattern.empty()) return;
  for (size_t at = text.find(pattern); at != std::string::npos; at = text.find(pattern, at + content.size())) {
    text.replace(at, pattern.size(), content);
  }
}

/// English punctuation and contractions, as BERT's decoder closes them up.
void clean_up(std::string& text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [pattern, content] : kRules) replace_all(text, pattern, content);
}

void strip_ends(std::string& text, const DecoderStep& step) {
  if (step.content.empty()) return;
  for (int i = 0; i < step.left && text.starts_with(step.content); ++i) text.erase(0, step.content.size());
  for (int i = 0; i < step.right && text.ends_with(step.content); ++i) text.erase(text.size() - step.content.size());
}

void apply_step(const DecoderStep& step, std::string& text) {
  switch (step.kind) {
    case Kind::kByteLevel:
      if (auto bytes = from_byte_alphabet(text)) text = std::move(*bytes);
      return;
    case Kind::kByteFallback:
      if (const int byte = byte_of_fallback_token(text); byte >= 0) text = std::string(1, static_cast<char>(byte));
      return;
    case Kind::kReplace:
      return replace_all(text, step.pattern, step.content);
    case Kind::kStrip:
      return strip_ends(text, step);
    case Kind::kMetaspace:
      return replace_all(text, step.pattern, " ");
    case Kind::kWordPiece:
      text.starts_with(step.pattern) ? text.erase(0, step.pattern.size()) : text.insert(0, " ");
      if (step.cleanup) clean_up(text);
      return;
    case Kind::kWordStart:
      if (text.starts_with(step.pattern)) text.replace(0, step.pattern.size(), " ");
      if (step.cleanup) clean_up(text);
      return;
    case Kind::kSuffix:
      if (text.ends_with(step.pattern)) text.replace(text.size() - step.pattern.size(), std::string::npos, " ");
      return;
    case Kind::kFuse:
      return;
  }
}

}  // namespace

std::string TokenPieces::piece_of(const TokenizerSpec& spec, const VocabularyEntry& entry) const {
  if (entry.type == TokenType::kByte) {
    const int byte = byte_of_fallback_token(entry.text);
    if (byte >= 0) return std::string(1, static_cast<char>(byte));
  }
  const bool special = entry.type == TokenType::kControl || entry.type == TokenType::kUnknown;
  const bool added = special || entry.type == TokenType::kUserDefined;
  std::string text = entry.text;
  for (const DecoderStep& step : spec.decoder) {
    if (step.kind == Kind::kFuse) break;
    // Added tokens are written as they are, but words are set apart from them all the same.
    if (added && (step.kind == Kind::kByteLevel || step.kind == Kind::kByteFallback)) continue;
    if (special && step.kind != Kind::kWordPiece) continue;
    apply_step(step, text);
  }
  return text;
}

TokenPieces TokenPieces::create(const TokenizerSpec& spec) {
  TokenPieces pieces;
  bool separates_words = false;
  bool fused = false;
  for (const DecoderStep& step : spec.decoder) {
    fused = fused || step.kind == Kind::kFuse;
    separates_words = separates_words || step.kind == Kind::kWordPiece || step.kind == Kind::kWordStart;
    if (step.kind == Kind::kMetaspace && step.trim_first) pieces.trim_all_of_first_ = true;
    if (step.kind == Kind::kStrip && fused) {
      pieces.strip_ = step.content;
      pieces.strip_left_ = step.left;
      pieces.strip_right_ = step.right;
    }
    if (step.kind == Kind::kSuffix) {
      pieces.strip_ = " ";
      pieces.strip_right_ = 1;
    }
  }
  for (const VocabularyEntry& entry : spec.vocabulary) {
    const std::string piece = pieces.piece_of(spec, entry);
    pieces.bytes_ += piece;
    pieces.ends_.push_back(static_cast<uint32_t>(pieces.bytes_.size()));
    pieces.special_.push_back(entry.type == TokenType::kControl || entry.type == TokenType::kUnknown);
    pieces.starts_with_space_.push_back(separates_words && piece.starts_with(' '));
  }
  return pieces;
}

std::string_view TokenPieces::at(size_t id) const {
  const size_t begin = id == 0 ? 0 : ends_[id - 1];
  return std::string_view(bytes_).substr(begin, ends_[id] - begin);
}

std::string_view TokenPieces::running(TokenId id, bool show_special) const {
  const auto index = static_cast<size_t>(id);
  if (id < 0 || index >= ends_.size() || (special_[index] && !show_special)) return {};
  return at(index);
}

std::string TokenPieces::leading(TokenId id, bool show_special, Start& start) const {
  std::string text(running(id, show_special));
  if (text.empty()) return text;
  const auto index = static_cast<size_t>(id);
  const bool first = std::exchange(start.first, false);
  start.done = true;
  if (first && starts_with_space_[index]) return text.substr(1);
  if (special_[index]) return text;
  if (trim_all_of_first_) return text.substr(std::min(text.find_first_not_of(' '), text.size()));
  if (strip_.empty()) return text;
  while (start.n_stripped < strip_left_ && text.starts_with(strip_)) {
    text.erase(0, strip_.size());
    ++start.n_stripped;
  }
  start.done = !text.empty() || start.n_stripped == strip_left_;
  return text;
}

void TokenPieces::finish(std::string& text) const {
  for (int i = 0; !strip_.empty() && i < strip_right_ && text.ends_with(strip_); ++i) {
    text.erase(text.size() - strip_.size());
  }
}

}  // namespace ondol
