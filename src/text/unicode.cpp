#include "text/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <cstring>
#include <vector>

#include "base/check.h"

namespace ondol {
namespace {

constexpr char32_t kCodePoints = 0x110000;

uint8_t flags_of(char32_t code, int8_t category) {
  const uint32_t mask = U_MASK(category);
  uint8_t flags = 0;
  if (mask & U_GC_L_MASK) flags |= kFlagLetter;
  if (mask & U_GC_N_MASK) flags |= kFlagNumber;
  if (mask & U_GC_M_MASK) flags |= kFlagMark;
  if (mask & U_GC_P_MASK) flags |= kFlagPunctuation;
  if (mask & (U_GC_LU_MASK | U_GC_LT_MASK | U_GC_LM_MASK | U_GC_LO_MASK | U_GC_M_MASK)) flags |= kFlagUpperOrNone;
  if (mask & (U_GC_LL_MASK | U_GC_LM_MASK | U_GC_LO_MASK | U_GC_M_MASK)) flags |= kFlagLowerOrNone;
  if (code == '\r' || code == '\n') flags |= kFlagNewline;
  return flags;
}

UBool fill_range(const void* context, UChar32 start, UChar32 limit, UCharCategory category) {
  auto* table = static_cast<uint8_t*>(const_cast<void*>(context));
  for (UChar32 code = start; code < limit; ++code) {
    table[code] = flags_of(static_cast<char32_t>(code), static_cast<int8_t>(category));
  }
  return true;
}

std::vector<uint8_t> build_flags() {
  std::vector<uint8_t> table(kCodePoints);
  u_enumCharTypes(fill_range, table.data());
  // All of White_Space lies in the Basic Multilingual Plane.
  for (UChar32 code = 0; code < 0x10000; ++code) {
    if (u_isUWhiteSpace(code)) table[static_cast<size_t>(code)] |= kFlagSpace;
  }
  return table;
}

bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

/// What the first byte of a character announces: its length, and the range that the second byte must lie in.
struct Lead {
  uint32_t size;
  unsigned char low;
  unsigned char high;
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

const icu::Normalizer2* normalizer_for(NormalForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = nullptr;
  switch (form) {
    case NormalForm::kNfc:
      normalizer = icu::Normalizer2::getNFCInstance(status);
      break;
    case NormalForm::kNfd:
      normalizer = icu::Normalizer2::getNFDInstance(status);
      break;
    case NormalForm::kNfkc:
      normalizer = icu::Normalizer2::getNFKCInstance(status);
      break;
    case NormalForm::kNfkd:
      normalizer = icu::Normalizer2::getNFKDInstance(status);
      break;
  }
  ONDOL_CHECK(U_SUCCESS(status));  // ICU's own data is missing: nothing that input can cause
  return normalizer;
}

int width_of(char32_t code) {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return 0;
  if (code < 0x300) return code == 0xAD ? 0 : 1;
  const auto icu_code = static_cast<UChar32>(code);
  const uint32_t mask = U_GET_GC_MASK(icu_code);
  if (mask & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK)) return 0;
  if (code >= 0x1160 && code <= 0x11FF) return 0;  // Hangul vowels and finals join the initial before them
  const int width = u_getIntPropertyValue(icu_code, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

}  // namespace

const uint8_t* character_flags_table() {
  static const std::vector<uint8_t> table = build_flags();
  return table.data();
}

DecodedCharacter decode_utf8(std::string_view text, size_t offset) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data()) + offset;
  const size_t available = text.size() - offset;
  const unsigned char first = bytes[0];
  if (first < 0x80) return {first, 1, true};
  const Lead lead = lead_of(first);
  if (lead.size == 0) return {};
  if (available < 2 || bytes[1] < lead.low || bytes[1] > lead.high) return {};
  char32_t code = first & (0x7F >> lead.size);
  code = (code << 6) | (bytes[1] & 0x3F);
  for (uint32_t i = 2; i < lead.size; ++i) {
    if (i >= available || !is_continuation(bytes[i])) return {kReplacementCharacter, i, false};
    code = (code << 6) | (bytes[i] & 0x3F);
  }
  return {code, lead.size, true};
}

void append_utf8(std::string& out, char32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = kReplacementCharacter;
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code >> 6)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code >> 12)));
    out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (code >> 18)));
    out.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

size_t valid_utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t word;
    if (at + 8 <= text.size() && (std::memcpy(&word, text.data() + at, 8), (word & 0x8080808080808080u) == 0)) {
      at += 8;
      continue;
    }
    const DecodedCharacter character = decode_utf8(text, at);
    if (!character.valid) break;
    at += character.size;
  }
  return at;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t valid = valid_utf8_prefix(text);
    out.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    text.remove_prefix(decode_utf8(text, 0).size);
    append_utf8(out, kReplacementCharacter);
  }
  return out;
}

size_t unfinished_utf8_suffix(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (is_continuation(byte)) continue;
    const Lead lead = lead_of(byte);
    if (lead.size <= back) return 0;
    // Unfinished only if all that is there is a prefix of something valid.
    const DecodedCharacter character = decode_utf8(text, text.size() - back);
    const bool second_fits = back == 1 || character.size == back;
    return second_fits ? back : 0;
  }
  return 0;
}

bool is_whitespace(char32_t code) {
  return (character_flags(code) & kFlagSpace) != 0;
}
bool is_numeric(char32_t code) {
  return (character_flags(code) & kFlagNumber) != 0;
}
bool is_punctuation(char32_t code) {
  return (character_flags(code) & kFlagPunctuation) != 0;
}
bool is_mark(char32_t code) {
  return (character_flags(code) & kFlagMark) != 0;
}

bool is_ascii_punctuation(char32_t code) {
  return (code >= 33 && code <= 47) || (code >= 58 && code <= 64) || (code >= 91 && code <= 96) ||
         (code >= 123 && code <= 126);
}

bool is_in_unicode_8(char32_t code) {
  UVersionInfo age = {};
  u_charAge(static_cast<UChar32>(code), age);
  return age[0] >= 1 && age[0] <= 8;
}

bool is_nonspacing_mark(char32_t code) {
  return u_charType(static_cast<UChar32>(code)) == U_NON_SPACING_MARK;
}

bool is_other(char32_t code) {
  return (U_GET_GC_MASK(static_cast<UChar32>(code)) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CS_MASK)) != 0;
}

bool is_word(char32_t code) {
  const auto icu_code = static_cast<UChar32>(code);
  const uint32_t mask = U_GET_GC_MASK(icu_code);
  return (mask & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 || u_isUAlphabetic(icu_code) ||
         u_hasBinaryProperty(icu_code, UCHAR_JOIN_CONTROL);
}

bool is_cjk_ideograph(char32_t code) {
  return (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0x3400 && code <= 0x4DBF) ||
         (code >= 0x20000 && code <= 0x2A6DF) || (code >= 0x2A700 && code <= 0x2B73F) ||
         (code >= 0x2B740 && code <= 0x2B81F) || (code >= 0x2B920 && code <= 0x2CEAF) ||
         (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x2F800 && code <= 0x2FA1F);
}

std::string normalize_unicode(std::string_view text, NormalForm form) {
  // Below U+0300 every character is its own NFC; below U+0080 its own in all forms.
  const unsigned char first_to_check = form == NormalForm::kNfc ? 0xCC : 0x80;
  bool unchanged = true;
  for (const char byte : text) unchanged = unchanged && static_cast<unsigned char>(byte) < first_to_check;
  if (unchanged) return std::string(text);

  UErrorCode status = U_ZERO_ERROR;
  std::string out;
  out.reserve(text.size());
  icu::StringByteSink<std::string> sink(&out);
  const icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
  normalizer_for(form)->normalizeUTF8(0, piece, sink, nullptr, status);
  return U_SUCCESS(status) ? out : std::string(text);
}

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter character = decode_utf8(text, at);
    if (!character.valid) {
      out.append(text.substr(at, character.size));
    } else if (character.code == 0x130) {
      out += "i\xCC\x87";  // the one character whose lower case is two
    } else {
      append_utf8(out, static_cast<char32_t>(u_tolower(static_cast<UChar32>(character.code))));
    }
    at += character.size;
  }
  return out;
}

std::string remove_marks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter character = decode_utf8(text, at);
    if (!character.valid || !is_mark(character.code)) out.append(text.substr(at, character.size));
    at += character.size;
  }
  return out;
}

int display_width(std::string_view text) {
  int columns = 0;
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter character = decode_utf8(text, at);
    columns += width_of(character.code);
    at += character.size;
  }
  return columns;
}

}  // namespace ondol
