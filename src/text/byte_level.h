// GPT-2's byte alphabet: each of the 256 byte values as one printable character, so that vocabularies can be written as
// text. Printable Latin-1 stands for itself; the other 68 values become U+0100, U+0101, ... in their order.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ondol {

/// The bytes of `text`, each as its character of the alphabet.
std::string to_byte_alphabet(std::string_view bytes);

/// The inverse; nothing if a character is not of the alphabet (or `text` is no UTF-8).
std::optional<std::string> from_byte_alphabet(std::string_view text);

/// The byte that "<0xE3>" names, or -1.
int byte_of_fallback_token(std::string_view text);

}  // namespace ondol
