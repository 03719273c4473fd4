// Unicode: UTF-8 decoding, character classes, normalisation forms, case, accents and terminal width, on top of ICU.
//
// Texts are UTF-8 in std::string_view. Nothing here refuses input: invalid bytes are reported or become U+FFFD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ondol {

constexpr char32_t kReplacementCharacter = 0xFFFD;

/// One step of decoding. Invalid input gives `valid` = false, `code` = U+FFFD and the size of the maximal ill-formed
/// subpart (Unicode, section 3.9), which is at least 1.
struct DecodedCharacter {
  char32_t code = kReplacementCharacter;
  uint32_t size = 1;
  bool valid = false;
};

/// Decodes the character that starts at `offset`, which must lie inside `text`. Strict: no overlong forms, surrogates
/// or values above U+10FFFF.
DecodedCharacter decode_utf8(std::string_view text, size_t offset);

/// Appends `code`; surrogates and values out of range become U+FFFD.
void append_utf8(std::string& out, char32_t code);

/// Length of the longest valid prefix in bytes; text.size() when all of it is valid.
size_t valid_utf8_prefix(std::string_view text);
inline bool is_valid_utf8(std::string_view text) {
  return valid_utf8_prefix(text) == text.size();
}

/// The text with every maximal ill-formed subpart replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

/// How many bytes at the end begin a character that further bytes could complete; 0 to 3.
size_t unfinished_utf8_suffix(std::string_view text);

/// Bits of character_flags.
enum CharacterFlag : uint8_t {
  kFlagLetter = 1,        // L
  kFlagNumber = 2,        // N
  kFlagMark = 4,          // M
  kFlagSpace = 8,         // White_Space
  kFlagUpperOrNone = 16,  // Lu, Lt, Lm, Lo, M: what o200k's patterns take for the upper-case part of a word
  kFlagLowerOrNone = 32,  // Ll, Lm, Lo, M: likewise for the lower-case part
  kFlagPunctuation = 64,  // P
  kFlagNewline = 128,     // CR and LF
};

/// One byte of flags per code point, from 0 to 0x10FFFF. Built on first use.
const uint8_t* character_flags_table();
inline uint8_t character_flags(char32_t code) {
  return code <= 0x10FFFF ? character_flags_table()[code] : 0;
}

bool is_whitespace(char32_t code);         // White_Space
bool is_numeric(char32_t code);            // N
bool is_punctuation(char32_t code);        // P
bool is_ascii_punctuation(char32_t code);  // the 32 printable ASCII characters that are neither letter, digit nor space
bool is_mark(char32_t code);               // M
bool is_nonspacing_mark(char32_t code);    // Mn
bool is_other(char32_t code);              // Cc, Cf, Co, Cs; unassigned code points are not "other"
bool is_in_unicode_8(char32_t code);       // assigned by then: the tables behind BERT's reference tokenizer end there
bool is_word(char32_t code);               // UTS #18's \w: Alphabetic, M, Nd, Pc, Join_Control
bool is_cjk_ideograph(char32_t code);      // the blocks that BERT sets apart

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
std::string normalize_unicode(std::string_view text, NormalForm form);

/// Character by character, without context (no final sigma), as the tokenizers that were trained with it do.
std::string lowercase(std::string_view text);

/// Drops every character of category M. To strip accents from composed letters, decompose first.
std::string remove_marks(std::string_view text);

/// Columns that `text` takes in a terminal: East Asian wide and fullwidth characters and emoji 2, combining marks,
/// format and control characters 0, all else 1.
int display_width(std::string_view text);

}  // namespace ondol
