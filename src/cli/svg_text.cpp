#include "cli/svg_text.h"

#include "text/unicode.h"

namespace ondol::cli {

std::string svg_text(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter c = decode_utf8(text, at);
    at += c.size;
    if (c.code == '&') {
      out += "&amp;";
    } else if (c.code == '<') {
      out += "&lt;";
    } else if (c.code == '>') {
      out += "&gt;";
    } else if (c.code == '"') {
      out += "&quot;";
    } else if (c.code < ' ' || c.code == 0xFFFE || c.code == 0xFFFF) {
      out += ' ';
    } else {
      append_utf8(out, c.code);
    }
  }
  return out;
}

}  // namespace ondol::cli
