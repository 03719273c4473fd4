#include "retrieve/ignore_rules.h"

#include <algorithm>

namespace ondol {
namespace {

/// The end of a set that begins at pattern[0] == '[', behind its bracket; 0: it is none.
size_t end_of_set(std::string_view pattern) {
  size_t i = 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  while (i < pattern.size() && pattern[i] != ']') ++i;
  return i < pattern.size() ? i + 1 : 0;
}

bool is_in_set(char c, std::string_view set) {  // with its brackets
  set = set.substr(1, set.size() - 2);
  const bool is_negated = set.starts_with('!') || set.starts_with('^');
  if (is_negated) set.remove_prefix(1);
  bool is_in = false;
  for (size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      is_in = is_in || (c >= set[i] && c <= set[i + 2]);
      i += 2;
    } else {
      is_in = is_in || c == set[i];
    }
  }
  return is_in != is_negated;
}

/// One character against what the pattern begins with; how much of the pattern that was, 0 when it does not fit.
size_t fitting_character(char c, std::string_view pattern) {
  if (pattern[0] == '?') return c != '/' ? 1 : 0;
  if (pattern[0] == '[') {
    if (const size_t end = end_of_set(pattern)) return c != '/' && is_in_set(c, pattern.substr(0, end)) ? end : 0;
  }
  if (pattern[0] == '\\' && pattern.size() > 1) return pattern[1] == c ? 2 : 0;
  return pattern[0] == c ? 1 : 0;
}

}  // namespace

bool fits_pattern(std::string_view path, std::string_view pattern) {
  // places[i]: what was read of the pattern fits the path's first i characters. Time: path times pattern.
  std::vector<char> places(path.size() + 1, 0);
  places[0] = 1;
  while (!pattern.empty()) {
    std::vector<char> next(path.size() + 1, 0);
    if (pattern[0] == '*') {
      const bool is_deep = pattern.starts_with("**");
      pattern.remove_prefix(is_deep ? 2 : 1);
      // "**/" may stand for no folder at all.
      const bool may_vanish = is_deep && pattern.starts_with('/');
      for (size_t i = 0; i <= path.size(); ++i) {
        next[i] = places[i] || (i > 0 && next[i - 1] && (is_deep || path[i - 1] != '/'));
      }
      if (may_vanish) {
        pattern.remove_prefix(1);
        for (size_t i = path.size(); i > 0; --i) next[i] = places[i] || (next[i - 1] && path[i - 1] == '/');
      }
    } else {
      size_t n_read = 1;
      for (size_t i = 0; i < path.size(); ++i) {
        const size_t n = places[i] ? fitting_character(path[i], pattern) : 0;
        if (n == 0) continue;
        next[i + 1] = 1;
        n_read = n;
      }
      pattern.remove_prefix(n_read);
    }
    places = std::move(next);
  }
  return places[path.size()] != 0;
}

void IgnoreRules::add(std::string_view lines, std::string_view folder) {
  for (size_t start = 0; start < lines.size();) {
    const size_t end = std::min(lines.find('\n', start), lines.size());
    std::string_view line = lines.substr(start, end - start);
    start = end + 1;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    if (line.empty() || line[0] == '#') continue;
    Rule rule;
    rule.folder = folder;
    if (line[0] == '!') {
      rule.is_negated = true;
      line.remove_prefix(1);
    }
    if (line.ends_with('/')) {
      rule.is_for_folders = true;
      line.remove_suffix(1);
    }
    rule.is_anchored = line.find('/') != line.npos;
    if (line.starts_with('/')) line.remove_prefix(1);
    if (line.empty()) continue;
    rule.pattern = line;
    rules_.push_back(std::move(rule));
  }
}

bool IgnoreRules::leaves_out(std::string_view path, bool is_folder) const {
  for (size_t i = rules_.size(); i-- > 0;) {
    const Rule& rule = rules_[i];
    if (rule.is_for_folders && !is_folder) continue;
    std::string_view own = path;
    if (!rule.folder.empty()) {
      if (!path.starts_with(rule.folder) || path.size() <= rule.folder.size() || path[rule.folder.size()] != '/')
        continue;
      own = path.substr(rule.folder.size() + 1);
    }
    if (!rule.is_anchored) own = own.substr(own.rfind('/') + 1);
    if (fits_pattern(own, rule.pattern)) return !rule.is_negated;
  }
  return false;
}

}  // namespace ondol
