#include "server/responses_files.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol::server {
namespace {

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

bool decode_base64(std::string_view text, std::string& bytes) {
  uint32_t held = 0;
  int n_bits = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const int digit = base64_digit(c);
    if (digit < 0) return false;
    held = held << 6 | static_cast<uint32_t>(digit);
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes += static_cast<char>(held >> n_bits & 0xff);
  }
  return n_bits < 6;
}

bool is_text_type(std::string_view type) {
  static constexpr std::string_view kTypes[] = {"application/json",       "application/xml",   "application/x-ndjson",
                                                "application/javascript", "application/yaml",  "application/x-yaml",
                                                "application/toml",       "application/x-sh",  "application/sql",
                                                "application/typescript", "application/x-tex", ""};
  return type.starts_with("text/") || std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

}  // namespace

std::string text_of_file(const Fields& part) {
  const auto refuse = [&](std::string_view key, const std::string& what) {
    part.fail(key, fmt::format("{}: {}", part.path_of(key), what), "unsupported_content");
    return std::string();
  };
  for (const char* elsewhere : {"file_id", "file_url"}) {
    if (part.has(elsewhere)) return refuse(elsewhere, "files are not fetched; send the text itself as file_data");
  }
  const std::string name = part.text("filename").value_or("");
  const std::string data = part.required_text("file_data");
  std::string_view rest = data;
  std::string bytes;
  if (rest.starts_with("data:")) {
    const size_t comma = rest.find(',');
    if (comma == std::string_view::npos) return refuse("file_data", "expected data:TYPE;base64,...");
    const std::string_view head = rest.substr(5, comma - 5);
    const std::string_view type = head.substr(0, head.find(';'));
    if (!head.ends_with(";base64")) return refuse("file_data", "expected data:TYPE;base64,...");
    if (!is_text_type(type)) {
      return refuse("file_data", fmt::format("expected a file of text, got {}: extract its text first", type));
    }
    rest.remove_prefix(comma + 1);
  }
  if (!decode_base64(rest, bytes)) return refuse("file_data", "expected base64");
  if (!is_valid_utf8(bytes)) return refuse("file_data", "expected a file of text in UTF-8");
  return name.empty() ? bytes : fmt::format("File: {}\n\n{}", name, bytes);
}

}  // namespace ondol::server
