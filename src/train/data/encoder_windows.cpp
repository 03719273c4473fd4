// The part of Encoder that cuts texts into windows.
#include <algorithm>
#include <array>

#include "train/data/encoder.h"

namespace ondol::train {
namespace {

// What ends a paragraph, a line, a sentence, a word.
constexpr std::array<std::array<std::string_view, 4>, 4> kEnds = {
    {{"\n\n", "", "", ""}, {"\n", "", "", ""}, {". ", "? ", "! ", "\xE3\x80\x82"}, {" ", "", "", ""}}};
constexpr int kCharacters = 4;
// More bytes than this for each token of a window need not be counted to be too many.
constexpr size_t kMostBytesPerToken = 16;
// Left free in a window: for BOS, EOS and what the tokenizer puts before the first word.
constexpr size_t kReserved = 4;

/// The end of the unit of `level` that begins at `begin`.
size_t unit_end(std::string_view text, size_t begin, size_t end, int level) {
  size_t found = end;
  for (const std::string_view mark : kEnds[static_cast<size_t>(level)]) {
    if (mark.empty()) continue;
    const size_t at = text.substr(0, found).find(mark, begin);
    if (at != std::string_view::npos) found = at + mark.size();
  }
  while (level < 2 && found < end && text[found] == '\n') ++found;
  return found;
}

size_t middle_character(std::string_view text, size_t begin, size_t end) {
  size_t middle = begin + (end - begin) / 2;
  while (middle > begin && (static_cast<unsigned char>(text[middle]) & 0xC0) == 0x80) --middle;
  if (middle > begin) return middle;
  ++middle;
  while (middle < end && (static_cast<unsigned char>(text[middle]) & 0xC0) == 0x80) ++middle;
  return middle;
}

}  // namespace

void Encoder::add_pieces(std::string_view text, size_t begin, size_t end, int level,
                         std::vector<TextWindow>& pieces) const {
  const size_t limit = options_.sequence_length - kReserved;
  if (level == kCharacters) {
    const size_t middle = middle_character(text, begin, end);
    for (const auto& [from, to] : {std::pair(begin, middle), std::pair(middle, end)}) {
      if (from >= to) continue;
      const size_t n = count(text.substr(from, to - from));
      if (n > limit && to - from > 4) {
        add_pieces(text, from, to, level, pieces);
      } else {
        pieces.push_back({static_cast<uint32_t>(from), static_cast<uint32_t>(to), static_cast<uint32_t>(n)});
      }
    }
    return;
  }
  for (size_t at = begin; at < end;) {
    const size_t next = unit_end(text, at, end, level);
    const size_t size = next - at;
    const size_t n = size > limit * kMostBytesPerToken ? limit + 1 : count(text.substr(at, size));
    if (n > limit) {
      add_pieces(text, at, next, level + 1, pieces);
    } else {
      pieces.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(next), static_cast<uint32_t>(n)});
    }
    at = next;
  }
}

std::vector<TextWindow> Encoder::cut(std::string_view text, bool ends_document) const {
  std::vector<TextWindow> pieces;
  if (!text.empty()) add_pieces(text, 0, text.size(), 0, pieces);
  const size_t limit = options_.sequence_length - kReserved;
  std::vector<TextWindow> windows;
  for (size_t first = 0; first < pieces.size();) {
    size_t n = pieces[first].n_tokens;
    size_t last = first + 1;
    while (last < pieces.size() && n + pieces[last].n_tokens <= limit) n += pieces[last++].n_tokens;
    TextWindow window{pieces[first].begin, 0, 0};
    // Pieces together may have a few tokens more than each alone.
    do {
      window.end = pieces[last - 1].end;
      const bool is_end = ends_document && last == pieces.size();
      window.n_tokens = static_cast<uint32_t>(
          encode_window(text.substr(window.begin, window.end - window.begin), is_end).tokens.size());
    } while (window.n_tokens > options_.sequence_length && --last > first);
    windows.push_back(window);
    first = std::max(last, first + 1);
  }
  return windows;
}

Segment Encoder::encode_window(std::string_view text, bool ends_document) const {
  Segment segment;
  if (wants_bos()) segment.tokens.push_back(tokenizer_->bos());
  const std::vector<TokenId> tokens = encode_piece(text, true);
  segment.tokens.insert(segment.tokens.end(), tokens.begin(), tokens.end());
  if (ends_document && tokenizer_->eos() != kNoToken) segment.tokens.push_back(tokenizer_->eos());
  segment.is_target.assign(segment.tokens.size(), 1);
  if (!segment.is_target.empty()) segment.is_target.front() = 0;
  return segment;
}

}  // namespace ondol::train
