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

class Cutter {
 public:
  Cutter(const Document& document, const ChunkerOptions& options) : document_(document), options_(options) {}

  std::vector<Chunk> cut() {
    for (const TextBlock& block : document_.blocks) {
      if (block.kind == TextBlock::Kind::kHeading) {
        end();
        enter(block);
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
    if (has_any_ && (block.end - start_ > options_.most_bytes || block.page != page_)) end();
    size_t start = block.start;
    while (block.end - start > options_.most_bytes) {
      const size_t n = cut_before(text_of(start, block.end), options_.most_bytes);
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
    has_any_ = true;
    start_ = start;
    page_ = page;
  }

  void end() {
    if (!has_any_) return;
    has_any_ = false;
    std::string headings;
    for (const std::string& heading : headings_) headings += (headings.empty() ? "" : " > ") + heading;
    chunks_.push_back({start_, end_, page_, std::move(headings)});
  }

  const Document& document_;
  const ChunkerOptions& options_;
  std::vector<Chunk> chunks_;
  std::vector<std::string> headings_;  // above the place that was reached
  bool has_any_ = false;
  size_t start_ = 0;
  size_t end_ = 0;
  int page_ = 0;
};

}  // namespace

std::vector<Chunk> cut_into_chunks(const Document& document, const ChunkerOptions& options) {
  return Cutter(document, options).cut();
}

}  // namespace ondol
