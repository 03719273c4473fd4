#include "retrieve/chunker.h"

#include <algorithm>
#include <string_view>

#include "base/hash.h"
#include "text/unicode.h"

namespace ondol {
namespace {

/// One block in so many ends a piece that is long enough.
constexpr uint64_t kEndsEvery = 3;

bool ends_here(std::string_view block) {
  return hash_bytes({reinterpret_cast<const uint8_t*>(block.data()), block.size()}).low % kEndsEvery == 0;
}

/// The last place within the limit where a text may be cut: after a line, a sentence, a word, a character.
size_t cut_before(std::string_view text, size_t limit) {
  const std::string_view head = text.substr(0, limit);
  const size_t least = limit / 2;
  if (const size_t line = head.rfind('\n'); line != head.npos && line >= least) return line + 1;
  for (const std::string_view end : {". ", "? ", "! ", "\xE3\x80\x82"}) {
    if (const size_t sentence = head.rfind(end); sentence != head.npos && sentence >= least) {
      return sentence + end.size();
    }
  }
  if (const size_t word = head.rfind(' '); word != head.npos && word >= least) return word + 1;
  return limit - unfinished_utf8_suffix(head);
}

/// The first place where a text may be begun: a line, a sentence or a word in its first half, or else a character.
size_t begin_within(std::string_view text) {
  const std::string_view head = text.substr(0, text.size() / 2);
  for (const std::string_view end : {"\n", ". ", "? ", "! ", "\xE3\x80\x82", " "}) {
    const size_t found = head.find(end);
    if (found == head.npos) continue;
    const size_t word = text.find_first_not_of(" \n", found + end.size());
    return word == text.npos ? text.size() : word;
  }
  size_t begin = 0;
  while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) ++begin;
  return begin;
}

class Cutter {
 public:
  Cutter(const Document& document, const ChunkerOptions& options)
      : document_(document),
        options_(options),
        overlap_bytes_(std::min(options.overlap_bytes, options.most_bytes / 2)),
        most_bytes_(options.most_bytes - overlap_bytes_) {}

  std::vector<Chunk> cut() {
    for (const TextBlock& block : document_.blocks) {
      if (block.kind == TextBlock::Kind::kHeading) {
        end();
        enter(block);
        is_section_new_ = true;
      }
      add(block);
    }
    end();
    return std::move(chunks_);
  }

 private:
  std::string_view text_of(size_t start, size_t end) const {
    return std::string_view(document_.text).substr(start, end - start);
  }

  void enter(const TextBlock& heading) {
    const auto depth = static_cast<size_t>(std::clamp(heading.level, 1, 6));
    headings_.resize(std::min(headings_.size(), depth - 1));
    std::string_view text = text_of(heading.start, heading.end);
    text.remove_prefix(std::min(text.find_first_not_of("# \t\n"), text.size()));
    headings_.emplace_back(text.substr(0, text.find_last_not_of("# \t\r\n") + 1));
  }

  void add(const TextBlock& block) {
    if (has_any_ && (block.end - start_ > most_bytes_ || block.page != page_)) end();
    size_t start = block.start;
    while (block.end - start > most_bytes_) {
      const size_t n = cut_before(text_of(start, block.end), most_bytes_);
      begin(start, block.page);
      end_ = start + n;
      end();
      start += n;
    }
    begin(start, block.page);
    end_ = block.end;
    const bool is_heading = block.kind == TextBlock::Kind::kHeading;
    if (!is_heading && end_ - start_ >= options_.least_bytes && ends_here(text_of(block.start, block.end))) end();
  }

  void begin(size_t start, int page) {
    if (has_any_) return;
    if (is_section_new_ || page != page_) section_start_ = start;
    is_section_new_ = false;
    has_any_ = true;
    start_ = start;
    page_ = page;
  }

  /// Where the piece begins that goes on at `start_`.
  size_t start_with_overlap() const {
    if (start_ - section_start_ <= overlap_bytes_) return section_start_;
    const size_t earliest = start_ - overlap_bytes_;
    return earliest + begin_within(text_of(earliest, start_));
  }

  void end() {
    if (!has_any_) return;
    has_any_ = false;
    std::string headings;
    for (const std::string& heading : headings_) headings += (headings.empty() ? "" : " > ") + heading;
    chunks_.push_back({overlap_bytes_ == 0 ? start_ : start_with_overlap(), end_, page_, std::move(headings)});
  }

  const Document& document_;
  const ChunkerOptions& options_;
  const size_t overlap_bytes_;
  const size_t most_bytes_;  // of a piece without what it shares with the one before it
  std::vector<Chunk> chunks_;
  std::vector<std::string> headings_;  // above the place that was reached
  bool has_any_ = false;
  bool is_section_new_ = true;
  size_t section_start_ = 0;  // what stands before it belongs to none of its pieces
  size_t start_ = 0;
  size_t end_ = 0;
  int page_ = 0;
};

}  // namespace

std::vector<Chunk> cut_into_chunks(const Document& document, const ChunkerOptions& options) {
  return Cutter(document, options).cut();
}

}  // namespace ondol
