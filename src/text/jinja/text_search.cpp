#include "text/jinja/text_search.h"

#include "text/jinja/convert.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

constexpr size_t kMaxParts = 1'000'000;

void add(std::vector<std::string_view>& parts, std::string_view part) {
  if (parts.size() >= kMaxParts) throw Failure("a string has too many parts");
  parts.push_back(part);
}

bool more(size_t n_parts, int64_t limit) { return limit < 0 || static_cast<int64_t>(n_parts) < limit; }

}  // namespace

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, int64_t limit) {
  if (separator.empty()) throw Failure("empty separator");
  std::vector<std::string_view> parts;
  while (more(parts.size(), limit)) {
    const size_t at = text.find(separator);
    if (at == std::string_view::npos) break;
    add(parts, text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  add(parts, text);
  return parts;
}

std::vector<std::string_view> split_at_from_right(std::string_view text, std::string_view separator, int64_t limit) {
  if (separator.empty()) throw Failure("empty separator");
  std::vector<std::string_view> parts;
  while (more(parts.size(), limit)) {
    const size_t at = text.rfind(separator);
    if (at == std::string_view::npos) break;
    add(parts, text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  add(parts, text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_at_spaces(std::string_view text, int64_t limit) {
  std::vector<std::string_view> parts;
  text = strip_left(text, is_space);
  while (!text.empty() && more(parts.size(), limit)) {
    const std::string_view rest = strip_left(text, [](char32_t c) { return !is_space(c); });
    add(parts, text.substr(0, text.size() - rest.size()));
    text = strip_left(rest, is_space);
  }
  if (!text.empty()) add(parts, text);
  return parts;
}

std::vector<std::string_view> split_at_spaces_from_right(std::string_view text, int64_t limit) {
  std::vector<std::string_view> parts;
  text = strip_right(text, is_space);
  while (!text.empty() && more(parts.size(), limit)) {
    const std::string_view rest = strip_right(text, [](char32_t c) { return !is_space(c); });
    add(parts, text.substr(rest.size()));
    text = strip_right(rest, is_space);
  }
  if (!text.empty()) add(parts, text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

size_t count_text(std::string_view text, std::string_view needle) {
  if (needle.empty()) return count_code_points(text) + 1;
  size_t count = 0;
  for (size_t at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + needle.size())) ++count;
  return count;
}

std::string replace_text(std::string_view text, std::string_view old_text, std::string_view new_text, int64_t limit) {
  TextBuilder out;
  size_t n = 0;
  size_t done = 0;
  if (old_text.empty()) {
    for (size_t offset = 0; more(n, limit); ++n) {
      out.append(new_text);
      done = offset;
      if (offset >= text.size()) break;
      next_code_point(text, offset);
      out.append(text.substr(done, offset - done));
      done = offset;
    }
    return out.append(text.substr(done)).take();
  }
  for (; more(n, limit); ++n) {
    const size_t at = text.find(old_text, done);
    if (at == std::string_view::npos) break;
    out.append(text.substr(done, at - done)).append(new_text);
    done = at + old_text.size();
  }
  return out.append(text.substr(done)).take();
}

std::string center_text(const Text& text, int64_t width, std::string_view fill) {
  const int64_t n = width - static_cast<int64_t>(text.n_code_points);
  if (n <= 0) return text.bytes;
  // The odd one goes to the left only when the width is odd, too.
  const int64_t left = n / 2 + (n & width & 1);
  return TextBuilder().repeat(fill, static_cast<size_t>(left)).append(text.bytes).repeat(fill, static_cast<size_t>(n - left)).take();
}

std::string pad_text(const Text& text, int64_t width, std::string_view fill, bool behind) {
  const int64_t n = width - static_cast<int64_t>(text.n_code_points);
  if (n <= 0) return text.bytes;
  TextBuilder out;
  if (!behind) out.repeat(fill, static_cast<size_t>(n));
  out.append(text.bytes);
  if (behind) out.repeat(fill, static_cast<size_t>(n));
  return out.take();
}

bool is_lower_text(std::string_view text) {
  bool any = false;
  for (const char32_t c : decode(text)) {
    if (is_upper(c) || is_title(c)) return false;
    any = any || is_lower(c);
  }
  return any;
}

bool is_upper_text(std::string_view text) {
  bool any = false;
  for (const char32_t c : decode(text)) {
    if (is_lower(c) || is_title(c)) return false;
    any = any || is_upper(c);
  }
  return any;
}

}  // namespace ondol::jinja
