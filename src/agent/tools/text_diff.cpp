#include "agent/tools/text_diff.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "agent/printable_text.h"

namespace ondol {
namespace {

constexpr size_t kAround = 3;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

void add_line(std::string& diff, char mark, std::string_view line) {
  const bool is_whole = line.ends_with('\n');
  if (is_whole) line.remove_suffix(1);
  diff += fmt::format("{}{}\n{}", mark, printable_text(line), is_whole ? "" : "\\ No newline at end of file\n");
}

/// As in the head of a hunk: the line before it where it has none.
std::string range(size_t first, size_t n) {
  return n == 1 ? std::to_string(first + 1) : fmt::format("{},{}", n == 0 ? first : first + 1, n);
}

}  // namespace

std::string unified_diff(std::string_view path, std::string_view before, std::string_view after) {
  if (before == after) return "";
  const std::vector<std::string_view> old_lines = lines_of(before), new_lines = lines_of(after);
  const size_t most = std::min(old_lines.size(), new_lines.size());
  size_t head = 0, tail = 0;
  while (head < most && old_lines[head] == new_lines[head]) ++head;
  while (tail < most - head && old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) ++tail;
  const size_t first = head - std::min(head, kAround), behind = std::min(tail, kAround);
  const size_t old_end = old_lines.size() - tail, new_end = new_lines.size() - tail;
  std::string diff = fmt::format("--- {0}\n+++ {0}\n@@ -{1} +{2} @@\n", printable_text(path),
                                 range(first, old_end + behind - first), range(first, new_end + behind - first));
  for (size_t i = first; i < head; ++i) add_line(diff, ' ', old_lines[i]);
  for (size_t i = head; i < old_end; ++i) add_line(diff, '-', old_lines[i]);
  for (size_t i = head; i < new_end; ++i) add_line(diff, '+', new_lines[i]);
  for (size_t i = old_end; i < old_end + behind; ++i) add_line(diff, ' ', old_lines[i]);
  return diff;
}

}  // namespace ondol
