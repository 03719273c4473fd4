#include "retrieve/formats/pdf_layout.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

namespace ondol {
namespace {

constexpr double kHeadingRatio = 1.15;  // of the body's size
constexpr size_t kMostHeadingBytes = 200;
constexpr size_t kLevels = 3;
/// A gap so much larger than usual, or of so much of a line's height, ends a paragraph.
constexpr double kGapRatio = 1.4;
constexpr double kGapHeight = 0.25;
/// Shares of the text's width.
constexpr double kNarrowCell = 0.29;
constexpr double kWidestCell = 0.65;
constexpr size_t kLeastRows = 3;

int half_points(double size) {
  return static_cast<int>(std::lround(std::clamp(size, 0.0, 1000.0) * 2));
}

double height(const PdfLine& line) {
  return std::max(line.bottom - line.top, 1.0);
}

/// Half of the gaps between lines are not larger.
double usual_gap(const std::vector<PdfLine>& lines) {
  std::vector<double> gaps;
  for (size_t i = 1; i < lines.size(); ++i) {
    const double gap = lines[i].top - lines[i - 1].bottom;
    if (lines[i].top > lines[i - 1].top && gap < 2 * height(lines[i])) gaps.push_back(std::max(gap, 0.0));
  }
  if (gaps.empty()) return 0;
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  return *middle;
}

bool ends_sentence(const std::string& text) {
  return text.ends_with('.') || text.ends_with('?') || text.ends_with('!') || text.ends_with(':') ||
         text.ends_with("\xE3\x80\x82");
}

bool starts_new(const PdfLine& above, const PdfLine& line, double gap) {
  if (half_points(above.font_size) != half_points(line.font_size)) return true;
  if (line.top < above.top) return ends_sentence(above.text);  // another column
  return line.top - above.bottom > gap * kGapRatio + kGapHeight * height(line);
}

/// A word that was divided at the end of the line.
bool is_divided(const std::string& text, const std::string& next) {
  return text.size() >= 2 && text.back() == '-' &&
         std::isalpha(static_cast<unsigned char>(text[text.size() - 2])) != 0 && !next.empty() && next[0] >= 'a' &&
         next[0] <= 'z';
}

void append_line(std::string& text, const std::string& line, char between) {
  if (is_divided(text, line)) {
    text.pop_back();
  } else if (!text.empty()) {
    text += between;
  }
  text += line;
}

/// Lines at one height, from left to right.
using Row = std::vector<size_t>;

std::vector<Row> rows_of(const std::vector<PdfLine>& lines) {
  std::vector<size_t> order(lines.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lines[a].top < lines[b].top; });
  std::vector<Row> rows;
  for (const size_t i : order) {
    const bool is_beside = !rows.empty() && lines[i].top < lines[rows.back()[0]].bottom - 0.5 * height(lines[i]);
    if (!is_beside) rows.emplace_back();
    rows.back().push_back(i);
  }
  for (Row& row : rows) {
    std::stable_sort(row.begin(), row.end(), [&](size_t a, size_t b) { return lines[a].left < lines[b].left; });
  }
  return rows;
}

/// Columns of prose are about equally wide; of the cells of a table at most one is wide.
bool is_of_cells(const std::vector<PdfLine>& lines, const Row& row, double page_width) {
  size_t n_wide = 0;
  for (const size_t i : row) {
    const double share = (lines[i].right - lines[i].left) / page_width;
    if (share > kWidestCell) return false;
    n_wide += share > kNarrowCell ? 1 : 0;
  }
  return row.size() >= 2 && n_wide <= 1;
}

/// Tables by the line that comes first of each; their other lines are marked as taken.
std::map<size_t, Table> tables_of(const std::vector<PdfLine>& lines, std::vector<bool>& is_taken) {
  double left = 1e9, right = 0;
  for (const PdfLine& line : lines) {
    left = std::min(left, line.left);
    right = std::max(right, line.right);
  }
  std::map<size_t, Table> tables;
  const std::vector<Row> rows = rows_of(lines);
  for (size_t start = 0, end = 0; start < rows.size(); start = std::max(end, start + 1)) {
    end = start;
    while (
        end < rows.size() && is_of_cells(lines, rows[end], right - left) &&
        (end == start || lines[rows[end][0]].top - lines[rows[end - 1][0]].bottom < 2 * height(lines[rows[end][0]]))) {
      ++end;
    }
    if (end - start < kLeastRows) continue;
    Table table;
    size_t first = lines.size();
    for (size_t row = start; row < end; ++row) {
      table.emplace_back();
      for (const size_t i : rows[row]) {
        table.back().push_back(lines[i].text);
        is_taken[i] = true;
        first = std::min(first, i);
      }
    }
    tables.emplace(first, std::move(table));
  }
  return tables;
}

}  // namespace

PdfFontSizes::PdfFontSizes(const std::vector<PdfLine>& lines) {
  std::map<int, size_t> bytes_of;
  for (const PdfLine& line : lines) bytes_of[half_points(line.font_size)] += line.text.size();
  size_t most = 0;
  for (const auto& [size, n] : bytes_of) {
    if (n > most) body_ = size;
    most = std::max(most, n);
  }
  for (auto size = bytes_of.rbegin(); size != bytes_of.rend(); ++size) {
    if (size->first >= body_ * kHeadingRatio) headings_.push_back(size->first);
  }
}

int PdfFontSizes::heading_level(const PdfLine& line) const {
  if (line.text.size() > kMostHeadingBytes) return 0;
  const auto found = std::find(headings_.begin(), headings_.end(), half_points(line.font_size));
  if (found == headings_.end()) return 0;
  return static_cast<int>(std::min<size_t>(static_cast<size_t>(found - headings_.begin()), kLevels - 1)) + 1;
}

void add_pdf_page(DocumentBuilder& builder, const std::vector<PdfLine>& lines, const PdfFontSizes& sizes) {
  const double gap = usual_gap(lines);
  std::vector<bool> is_taken(lines.size());
  const std::map<size_t, Table> tables = tables_of(lines, is_taken);
  for (size_t i = 0; i < lines.size();) {
    if (is_taken[i]) {
      if (const auto table = tables.find(i); table != tables.end()) builder.add_table(table->second);
      ++i;
      continue;
    }
    const int level = sizes.heading_level(lines[i]);
    std::string text = lines[i].text;
    size_t end = i + 1;
    for (; end < lines.size() && sizes.heading_level(lines[end]) == level; ++end) {
      if (is_taken[end] || starts_new(lines[end - 1], lines[end], gap)) break;
      append_line(text, lines[end].text, level > 0 ? ' ' : '\n');
    }
    if (level > 0) {
      builder.add_heading(level, text);
    } else {
      builder.add_paragraph(text);
    }
    i = end;
  }
}

}  // namespace ondol
