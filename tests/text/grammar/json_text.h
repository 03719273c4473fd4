// JSON texts as Python writes them, and whether a grammar has a text.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "base/json.h"
#include "text/grammar/matcher.h"
#include "text/unicode.h"

namespace ondol::grammar_tests {

inline std::string python_string(std::string_view text, bool ascii) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter c = decode_utf8(text, at);
    constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
    const size_t index = c.code < 0x80 ? kShort.find(static_cast<char>(c.code)) : std::string_view::npos;
    if (index != std::string_view::npos) {
      out += '\\';
      out += "\"\\bfnrt"[index];
    } else if (c.code < 0x20 || (ascii && c.code > 0x7E && c.code < 0x10000)) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c.code));
    } else if (ascii && c.code >= 0x10000) {
      const uint32_t rest = c.code - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    } else {
      out += text.substr(at, c.size);
    }
    at += c.size;
  }
  return out + "\"";
}

/// As json.dumps() writes it: with its usual spaces and in ASCII, or without spaces and in UTF-8.
inline std::string python_text(const json::value& value, bool spaces) {
  if (value.is_string()) return python_string(value.get_string(), spaces);
  if (value.is_double()) {
    const double number = value.get_double();
    // Whole numbers beyond 64 bits were read as these; Python keeps them.
    if (std::abs(number) >= 1e16 && std::abs(number) < 1e100) return fmt::format("{:.0f}", number);
    std::string text = fmt::format("{}", number);  // 1e+308, as Python has it
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
  }
  const bool is_array = value.is_array();
  if (!is_array && !value.is_object()) return json::serialize(value);
  std::string out(is_array ? "[" : "{");
  bool first = true;
  const auto next = [&] {
    if (!first) out += spaces ? ", " : ",";
    first = false;
  };
  if (is_array) {
    for (const json::value& item : value.get_array()) {
      next();
      out += python_text(item, spaces);
    }
  } else {
    for (const auto& [key, member] : value.get_object()) {
      next();
      out += python_string(key, spaces) + (spaces ? ": " : ":") + python_text(member, spaces);
    }
  }
  return out + (is_array ? "]" : "}");
}

inline bool accepts(const GrammarPtr& grammar, std::string_view text) {
  grammar::Matcher matcher(grammar);
  grammar::ConfigId config = matcher.start();
  for (const char byte : text) config = matcher.step(config, static_cast<uint8_t>(byte));
  return matcher.may_end(config);
}

}  // namespace ondol::grammar_tests
