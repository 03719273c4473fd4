// ByteClasses: which kinds of bytes a text consists of, as one word. Where a lexeme loops over whole classes, many
// tokens can be taken at once.
#pragma once

#include <array>
#include <cstdint>

namespace ondol::grammar {

using ByteClasses = uint64_t;

constexpr int kLowerClass = 0;
constexpr int kUpperClass = 1;
constexpr int kDigitClass = 2;
constexpr int kControlClass = 3;  // but for tab, line feed and carriage return
constexpr int kFirstSingleClass = 4;
// 33 characters that are neither letter nor digit, and three controls, have classes of their own.
constexpr int kNumberOfAsciiClasses = kFirstSingleClass + 33 + 3;
constexpr ByteClasses kMultiByteCharacters = ByteClasses{1} << kNumberOfAsciiClasses;  // whole ones, well-formed
constexpr ByteClasses kOddBytes = ByteClasses{1} << (kNumberOfAsciiClasses + 1);       // parts of others

constexpr std::array<uint8_t, 128> make_class_table() {
  std::array<uint8_t, 128> table{};
  int next = kFirstSingleClass;
  for (int byte = 0; byte < 128; ++byte) {
    const bool lower = byte >= 'a' && byte <= 'z';
    const bool upper = byte >= 'A' && byte <= 'Z';
    const bool digit = byte >= '0' && byte <= '9';
    const bool white = byte == '\t' || byte == '\n' || byte == '\r';
    const bool control = (byte < 0x20 || byte == 0x7F) && !white;
    const int index = lower     ? kLowerClass
                      : upper   ? kUpperClass
                      : digit   ? kDigitClass
                      : control ? kControlClass
                                : next++;
    table[static_cast<size_t>(byte)] = static_cast<uint8_t>(index);
  }
  return table;
}

constexpr std::array<uint8_t, 128> kClassTable = make_class_table();

/// Of a byte below 0x80.
constexpr ByteClasses class_of(uint8_t byte) {
  return ByteClasses{1} << kClassTable[byte];
}

/// What may follow the first byte of a character of several bytes; n_missing 0 if there is no such character.
struct Utf8Lead {
  int n_missing = 0;
  int first = 0x80;
  int last = 0xBF;
};

constexpr Utf8Lead utf8_lead(uint8_t byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte >= 0xE0 && byte <= 0xEF) return {2, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF};
  if (byte >= 0xF0 && byte <= 0xF4) return {3, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF};
  return {};
}

}  // namespace ondol::grammar
