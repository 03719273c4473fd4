#include "retrieve/plain_text.h"

#include <optional>
#include <string_view>

namespace ondol {
namespace {

using Kind = TextBlock::Kind;

struct Line {
  size_t start = 0;
  size_t end = 0;   // without the line break
  size_t next = 0;  // where the next one starts
};

std::optional<Line> line_at(std::string_view text, size_t start) {
  if (start >= text.size()) return {};
  const size_t end = text.find('\n', start);
  if (end == text.npos) return Line{start, text.size(), text.size()};
  return Line{start, end, end + 1};
}

std::string_view trimmed(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == line.npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
}

/// 1 to 6; 0: no heading.
int heading_level(std::string_view line) {
  const size_t n = line.find_first_not_of('#');
  return n >= 1 && n <= 6 && n < line.size() && (line[n] == ' ' || line[n] == '\t') ? static_cast<int>(n) : 0;
}

/// "```", "~~~" or longer; empty: none.
std::string_view fence(std::string_view line) {
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return {};
  const size_t n = std::min(line.find_first_not_of(line[0]), line.size());
  return n >= 3 ? line.substr(0, n) : std::string_view();
}

bool is_underline(std::string_view line, char c) {
  return line.size() >= 3 && line.find_first_not_of(c) == line.npos;
}

class BlockReader {
 public:
  explicit BlockReader(std::string text) { document_.text = std::move(text); }

  Document read(bool is_markdown) {
    const std::string_view text = document_.text;
    for (auto line = line_at(text, 0); line; line = line_at(text, line->next)) {
      const std::string_view content = trimmed(text.substr(line->start, line->end - line->start));
      if (content.empty() && fence_.empty()) {
        end_block();
      } else if (is_markdown) {
        add_markdown(*line, content);
      } else {
        add(*line, Kind::kParagraph);
      }
    }
    end_block();
    return std::move(document_);
  }

 private:
  void add(const Line& line, Kind kind) {
    if (has_block_ && block_.kind != kind) end_block();
    if (!has_block_) block_ = {line.start, line.end, kind};
    has_block_ = true;
    block_.end = line.end;
  }

  void add_markdown(const Line& line, std::string_view content) {
    if (!fence_.empty()) {
      add(line, Kind::kCode);
      if (fence(content).starts_with(fence_)) end_fence();
      return;
    }
    if (const std::string_view opening = fence(content); !opening.empty()) {
      end_block();
      fence_ = opening;
      add(line, Kind::kCode);
      return;
    }
    const bool may_underline = has_block_ && block_.kind == Kind::kParagraph && is_one_line();
    if (const int level = heading_level(content); level > 0) {
      end_block();
      add(line, Kind::kHeading);
      end_heading(level);
    } else if (may_underline && (is_underline(content, '=') || is_underline(content, '-'))) {
      block_.kind = Kind::kHeading;
      end_heading(content[0] == '=' ? 1 : 2);
    } else {
      add(line, content[0] == '|' ? Kind::kTable : Kind::kParagraph);
    }
  }

  bool is_one_line() const {
    return std::string_view(document_.text).substr(block_.start, block_.end - block_.start).find('\n') ==
           std::string::npos;
  }

  void end_fence() {
    fence_ = {};
    end_block();
  }

  void end_heading(int level) {
    block_.level = level;
    const std::string_view line = std::string_view(document_.text).substr(block_.start, block_.end - block_.start);
    std::string_view title = line.substr(std::min(line.find_first_not_of("# \t"), line.size()));
    title = trimmed(title.substr(0, title.find_last_not_of("# \t\r") + 1));
    if (document_.title.empty()) document_.title = title;
    end_block();
  }

  void end_block() {
    if (has_block_) document_.blocks.push_back(block_);
    has_block_ = false;
  }

  Document document_;
  TextBlock block_;
  bool has_block_ = false;
  std::string_view fence_;  // that is open
};

}  // namespace

Document read_plain_text(std::string text) {
  return BlockReader(std::move(text)).read(false);
}

Document read_markdown(std::string text) {
  return BlockReader(std::move(text)).read(true);
}

}  // namespace ondol
