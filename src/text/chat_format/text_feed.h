// TextFeed: text that arrives in pieces and is taken from the front. MarkerSet: where the first of several markers is.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::chat_format {

/// Finds markers in text whose end may still be missing.
class MarkerSet {
 public:
  MarkerSet() = default;
  explicit MarkerSet(std::vector<std::string> markers);

  struct Found {
    size_t position = 0;  // where the marker begins; without one, how much of the text lies before any
    int marker = -1;      // its index; -1: none
    size_t length = 0;
  };
  /// The first position at which a marker lies. Unless `is_final`, text that may be the beginning of a marker counts as
  /// neither. Empty markers are never found. No marker may be the beginning of another.
  Found find(std::string_view text, bool is_final) const;

  const std::vector<std::string>& markers() const { return markers_; }

 private:
  std::vector<std::string> markers_;
  std::array<bool, 256> begins_{};
};

/// The first byte of `text` that is not space, tab or line break; text.size() when there is none.
size_t skip_space(std::string_view text);
bool is_space(char c);

/// Whether `text` begins with `prefix`, so far as it goes.
enum class Match { kNo, kYes, kNeedText };
Match match_prefix(std::string_view text, std::string_view prefix, bool is_final);

class TextFeed {
 public:
  void append(std::string_view text);
  /// No more text comes.
  void close() { is_final_ = true; }
  bool is_final() const { return is_final_; }

  std::string_view rest() const { return std::string_view(text_).substr(position_); }
  void take(size_t count) { position_ += count; }
  /// Takes spaces; true when what follows them has come.
  bool take_space();
  /// Takes `prefix` where the text begins with it. One that the end of the text cut off needs text.
  Match take_prefix(std::string_view prefix);
  /// Moves the text before any marker to the end of `out`. Takes nothing of the marker that it may find. Where the text
  /// ends with the beginning of a marker, this is text only if `cut_marker_is_text`.
  MarkerSet::Found take_before(const MarkerSet& markers, std::string& out, bool cut_marker_is_text = false);

  /// Keeps what is taken from here on.
  void hold() { held_ = position_; }
  std::string_view held() const;
  void release() { held_ = kNothing; }

 private:
  static constexpr size_t kNothing = static_cast<size_t>(-1);

  std::string text_;
  size_t position_ = 0;
  size_t held_ = kNothing;
  bool is_final_ = false;
};

}  // namespace ondol::chat_format
