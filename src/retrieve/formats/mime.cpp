#include "retrieve/formats/mime.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "retrieve/encoding.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr size_t kMostHeaders = 500;
constexpr size_t kMostHeaderBytes = 64 << 10;
constexpr size_t kMostParameters = 50;

int value_of_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int value_of_base64(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/// Characters that mean nothing are passed over, as RFC 2045 wants it.
std::string decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int value = value_of_base64(c);
    if (value < 0) continue;
    bits = bits << 6 | static_cast<uint32_t>(value);
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    out += static_cast<char>(bits >> n_bits & 0xFF);
  }
  return out;
}

/// `escape` begins a byte in hex; behind it a line may end that goes on.
std::string decode_hex(std::string_view text, char escape, bool is_header) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_header && text[i] == '_') {
      out += ' ';
    } else if (text[i] != escape) {
      out += text[i];
    } else if (i + 2 < text.size() + 0 && value_of_hex(text[i + 1]) >= 0 && value_of_hex(text[i + 2]) >= 0) {
      out += static_cast<char>(value_of_hex(text[i + 1]) * 16 + value_of_hex(text[i + 2]));
      i += 2;
    } else {
      size_t end = i + 1;
      while (end < text.size() && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r')) ++end;
      if (end < text.size() && text[end] != '\n') {
        out += text[i];
      } else {
        i = end;
      }
    }
  }
  return out;
}

std::string as_utf8(std::string bytes, std::string_view encoding) {
  std::string copy = bytes;
  auto text = text_as_utf8(std::move(bytes), encoding);
  return text ? std::move(*text) : replace_invalid_utf8(copy);
}

std::string_view trimmed(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == text.npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r\n") + 1 - start);
}

/// "=?charset?B?text?=" at the beginning; its length in bytes, 0: none.
size_t decode_word(std::string_view header, std::string& encoding, std::string& bytes) {
  const size_t charset_end = header.find('?', 2);
  if (charset_end == header.npos || charset_end + 3 >= header.size() || header[charset_end + 2] != '?') return 0;
  const size_t start = charset_end + 3;
  const size_t end = header.find("?=", start);
  if (end == header.npos) return 0;
  encoding = lowercase(header.substr(2, charset_end - 2));
  encoding.resize(std::min(encoding.find('*'), encoding.size()));  // a language
  const char how = header[charset_end + 1];
  const std::string_view text = header.substr(start, end - start);
  bytes = how == 'B' || how == 'b' ? decode_base64(text) : decode_hex(text, '=', true);
  return end + 2;
}

/// One parameter: "; name=value" or "; name=\"value\"". What follows it.
std::string_view take_parameter(std::string_view rest, std::string& name, std::string& value) {
  const size_t equals = rest.find_first_of("=;");
  if (equals == rest.npos || rest[equals] == ';') return rest.substr(std::min(equals, rest.size()));
  name = lowercase(trimmed(rest.substr(0, equals)));
  rest = trimmed(rest.substr(equals + 1));
  if (!rest.starts_with('"')) {
    const size_t end = std::min(rest.find(';'), rest.size());
    value = trimmed(rest.substr(0, end));
    return rest.substr(end);
  }
  size_t i = 1;
  for (; i < rest.size() && rest[i] != '"'; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    value += rest[i];
  }
  return rest.substr(std::min(i + 1, rest.size()));
}

/// RFC 2231: "name*=utf-8'ko'%EA..." and "name*0=..., name*1=...", put together under "name".
void join_parameters(std::map<std::string, std::string>& parameters) {
  std::map<std::string, std::string> joined;
  for (const auto& [name, value] : parameters) {
    const size_t star = name.find('*');
    if (star == name.npos) {
      joined[name] = decode_encoded_words(value);
      continue;
    }
    const std::string plain = name.substr(0, star);
    if (!name.ends_with('*')) {
      joined[plain] += value;
      continue;
    }
    const size_t first = value.find('\''), second = first == value.npos ? first : value.find('\'', first + 1);
    const bool tells = second != value.npos;
    const std::string_view encoded = std::string_view(value).substr(tells ? second + 1 : 0);
    joined[plain] += as_utf8(decode_hex(encoded, '%', false), tells ? value.substr(0, first) : "");
  }
  parameters = std::move(joined);
}

}  // namespace

std::string decode_encoded_words(std::string_view header) {
  std::string out, pending, pending_encoding;  // characters may be cut between words of one encoding
  const auto end_pending = [&] {
    out += as_utf8(std::move(pending), pending_encoding);
    pending.clear();
  };
  size_t i = 0;
  while (i < header.size()) {
    std::string encoding, bytes;
    const size_t n = header.substr(i).starts_with("=?") ? decode_word(header.substr(i), encoding, bytes) : 0;
    if (n > 0) {
      if (encoding != pending_encoding) end_pending();
      pending_encoding = encoding;
      pending += bytes;
      i += n;
      // Blanks between two encoded words mean nothing.
      const size_t next = std::min(header.find_first_not_of(" \t\r\n", i), header.size());
      if (header.substr(next).starts_with("=?")) i = next;
      continue;
    }
    end_pending();
    const size_t next = std::min(header.find("=?", i + 1), header.size());
    out += as_utf8(std::string(header.substr(i, next - i)), "");
    i = next;
  }
  end_pending();
  return out;
}

MimePart MimePart::of(std::string_view bytes) {
  MimePart part;
  std::string name, value;
  const auto end_header = [&] {
    if (!name.empty() && part.headers.size() < kMostHeaders) part.headers.emplace(name, trimmed(value));
    name.clear();
    value.clear();
  };
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (line[0] == ' ' || line[0] == '\t') {
      if (value.size() + line.size() < kMostHeaderBytes) value += line;
      continue;
    }
    end_header();
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    name = lowercase(trimmed(line.substr(0, colon)));
    value = line.substr(colon + 1, kMostHeaderBytes);
  }
  end_header();
  part.body = bytes;
  return part;
}

std::string MimePart::text(const std::string& name) const {
  const auto header = headers.find(name);
  return header == headers.end() ? "" : decode_encoded_words(header->second);
}

MimeValue MimePart::parsed(const std::string& name) const {
  MimeValue result;
  const auto header = headers.find(name);
  if (header == headers.end()) return result;
  std::string_view rest = header->second;
  const size_t end = std::min(rest.find(';'), rest.size());
  result.value = lowercase(trimmed(rest.substr(0, end)));
  rest.remove_prefix(end);
  for (size_t i = 0; i < kMostParameters && !rest.empty(); ++i) {
    std::string parameter, value;
    rest = take_parameter(trimmed(rest.substr(1)), parameter, value);
    if (!parameter.empty()) result.parameters.emplace(parameter, value);
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  }
  join_parameters(result.parameters);
  return result;
}

std::string MimePart::decoded_body() const {
  const std::string how = parsed("content-transfer-encoding").value;
  if (how == "base64") return decode_base64(body);
  if (how == "quoted-printable") return decode_hex(body, '=', false);
  return std::string(body);
}

std::vector<std::string_view> MimePart::parts(std::string_view boundary, size_t most) const {
  std::vector<std::string_view> found;
  const std::string mark = "--" + std::string(boundary);
  size_t start = std::string_view::npos;  // of the part that is open
  for (size_t at = 0; at < body.size() && found.size() < most;) {
    const size_t end = std::min(body.find('\n', at), body.size());
    const std::string_view line = body.substr(at, end - at);
    if (line.starts_with(mark)) {
      if (start != body.npos) found.push_back(body.substr(start, at - start));
      start = end + 1 < body.size() ? end + 1 : body.npos;
      if (line.substr(mark.size()).starts_with("--")) return found;
    }
    at = end + 1;
  }
  if (start != body.npos && found.size() < most) found.push_back(body.substr(start));
  return found;
}

}  // namespace ondol
