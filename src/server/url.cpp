#include "server/url.h"

#include "text/unicode.h"

namespace ondol::server {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const auto name = percent_decode(pair.substr(0, equals), true);
    const auto value = percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!name || !value) return Error("the query is not valid percent-encoded UTF-8");
    query[*name] = *value;
  }
  return query;
}

Result<void> parse_path(std::string_view path, Target& target) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view raw = path.substr(0, path.find('/'));
    path.remove_prefix(raw.size());
    auto segment = percent_decode(raw, false);
    if (!segment) return Error("the path is not valid percent-encoded UTF-8");
    for (const char c : *segment)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return Error("the path has a control character");
    if (*segment == "." || *segment == "..") return Error("the path has a segment '" + *segment + "'");
    target.path += '/' + *segment;
    target.segments.push_back(std::move(*segment));
  }
  if (target.segments.size() == 1 && target.segments[0].empty()) target.segments.clear();
  return {};
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  if (!is_valid_utf8(out)) return std::nullopt;
  return out;
}

Result<Target> parse_target(std::string_view text) {
  Target target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    target.authority = text.substr(0, text.find_first_of("/?#"));
    text.remove_prefix(target.authority.size());
    if (target.authority.empty()) return Error("the request's target names no host");
    break;
  }
  text = text.substr(0, text.find('#'));
  const std::string_view path = text.substr(0, text.find('?'));
  if (path.size() < text.size()) target.query = ONDOL_TRY(parse_query(text.substr(path.size() + 1)));
  if (path == "*" || (path.empty() && !target.authority.empty())) {
    target.path = path.empty() ? "/" : "*";
    return target;
  }
  if (!path.starts_with('/')) return Error("the request's target must be a path that begins with '/'");
  ONDOL_TRY(parse_path(path, target));
  return target;
}

}  // namespace ondol::server
