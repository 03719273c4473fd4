#include "retrieve/formats/document_builder.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol {
namespace {

using Kind = TextBlock::Kind;

constexpr size_t kMostText = size_t{64} << 20;
constexpr size_t kMostHeading = 300;
constexpr size_t kTableBlock = 900;
constexpr size_t kMostTableHead = 300;
constexpr int kDeepestLevel = 9;

/// Controls, what only says where lines may break, and the private numbers of symbol fonts' bullets.
bool is_nothing(char32_t code) {
  return (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0xFEFF || code == 0x200B ||
         (code >= 0xF000 && code <= 0xF0FF);
}

/// Valid UTF-8 without control characters; blanks of any width become spaces.
std::string cleaned(std::string_view text) {
  std::string valid;
  if (!is_valid_utf8(text)) {
    valid = replace_invalid_utf8(text);
    text = valid;
  }
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const DecodedCharacter c = decode_utf8(text, i);
    i += c.size;
    const bool is_break = c.code == '\n' || c.code == 0x2028 || c.code == 0x2029 || c.code == '\f' || c.code == '\v';
    if (is_break) {
      out += '\n';
    } else if (c.code == '\t' || c.code == ' ' || c.code == 0xA0 || c.code == 0x3000) {
      out += c.code == '\t' ? '\t' : ' ';
    } else if (c.code >= 0x20 && !is_nothing(c.code)) {
      append_utf8(out, c.code);
    }
  }
  return out;
}

/// Runs of blanks as one space, none at the ends of lines, no empty lines.
std::string tidied(std::string_view text) {
  std::string out;
  bool has_blank = false;
  for (const char c : text) {
    if (c == '\n') {
      if (!out.empty() && out.back() != '\n') out += '\n';
      has_blank = false;
    } else if (c == ' ' || c == '\t') {
      has_blank = true;
    } else {
      if (has_blank && !out.empty() && out.back() != '\n') out += ' ';
      has_blank = false;
      out += c;
    }
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::string line_of(const TableRow& row) {
  std::string line;
  size_t n_cells = row.size();
  while (n_cells > 0 && row[n_cells - 1].empty()) --n_cells;
  for (size_t i = 0; i < n_cells; ++i) line += (i == 0 ? "" : " | ") + row[i];
  return line;
}

}  // namespace

std::string on_one_line(std::string_view text) {
  std::string line = cleaned(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return tidied(line);
}

void DocumentBuilder::set_title(std::string_view title) {
  document_.title = on_one_line(title);
}

void DocumentBuilder::add_block(std::string_view text, Kind kind, int level) {
  if (text.empty() || is_full_) return;
  std::string& all = document_.text;
  if (all.size() + text.size() > kMostText) {
    is_full_ = true;
    return;
  }
  if (!all.empty()) {
    const bool is_same_table = kind == Kind::kTable && document_.blocks.back().kind == Kind::kTable;
    all += is_same_table ? "\n" : "\n\n";
  }
  const size_t start = all.size();
  all += text;
  document_.blocks.push_back({start, all.size(), kind, level, page_});
}

void DocumentBuilder::add_heading(int level, std::string_view text) {
  const std::string line = on_one_line(text);
  if (line.size() > kMostHeading) return add_block(line, Kind::kParagraph);
  if (document_.title.empty()) document_.title = line;
  add_block(line, Kind::kHeading, std::clamp(level, 1, kDeepestLevel));
}

void DocumentBuilder::add_paragraph(std::string_view text) {
  add_block(tidied(cleaned(text)), Kind::kParagraph);
}

void DocumentBuilder::add_code(std::string_view text) {
  const std::string code = cleaned(text);
  const size_t start = std::min(code.find_first_not_of('\n'), code.size());
  add_block(std::string_view(code).substr(start, code.find_last_not_of(" \t\n") + 1 - start), Kind::kCode);
}

void DocumentBuilder::add_table(const Table& table) {
  size_t n_columns = 0;
  std::vector<std::string> lines;
  for (const TableRow& row : table) {
    TableRow cells;
    for (const std::string& cell : row) cells.push_back(on_one_line(cell));
    for (size_t i = 0; i < cells.size(); ++i) {
      if (!cells[i].empty()) n_columns = std::max(n_columns, i + 1);
    }
    if (std::string line = line_of(cells); !line.empty()) lines.push_back(std::move(line));
  }
  if (n_columns <= 1) {
    for (const TableRow& row : table) {
      for (const std::string& cell : row) add_paragraph(cell);
    }
    return;
  }
  const std::string& head = lines.front();
  std::string block = head;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (block.size() + lines[i].size() > kTableBlock && block.size() > head.size()) {
      add_block(block, Kind::kTable);
      block = head.size() <= kMostTableHead ? head : "";
    }
    block += (block.empty() ? "" : "\n") + lines[i];
  }
  add_block(block, Kind::kTable);
}

void DocumentBuilder::append(const Document& other, int deeper) {
  const std::string_view text = other.text;
  const int page = page_;
  for (const TextBlock& block : other.blocks) {
    if (block.page > 0) page_ = block.page;
    const std::string_view part = text.substr(block.start, block.end - block.start);
    if (block.kind == Kind::kHeading) {
      add_heading(block.level + deeper, part);
    } else {
      add_block(cleaned(part), block.kind);
    }
  }
  page_ = page;
  if (document_.missing.empty()) document_.missing = other.missing;
}

Document DocumentBuilder::finish() {
  if (is_full_) document_.missing = fmt::format("only the first {} MiB of its text were read", kMostText >> 20);
  return std::move(document_);
}

}  // namespace ondol
