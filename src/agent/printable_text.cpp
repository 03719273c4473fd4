#include "agent/printable_text.h"

#include "text/unicode.h"

namespace ondol {

std::string printable_text(std::string_view bytes) {
  const std::string valid = replace_invalid_utf8(bytes);
  std::string text;
  for (size_t i = 0; i < valid.size(); ++i) {
    const auto byte = static_cast<uint8_t>(valid[i]);
    const bool is_high_control =  // U+0080 to U+009F, which some terminals obey
        byte == 0xC2 && i + 1 < valid.size() && static_cast<uint8_t>(valid[i + 1]) < 0xA0;
    if (is_high_control) {
      ++i;
    } else if (byte == '\r') {
      if (i + 1 == valid.size() || valid[i + 1] != '\n') text += '\n';
    } else if ((byte >= 0x20 && byte != 0x7F) || byte == '\n' || byte == '\t') {
      text += valid[i];
    }
  }
  return text;
}

}  // namespace ondol
