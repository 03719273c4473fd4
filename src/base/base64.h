// Base64 with padding (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ondol {

std::string base64(std::string_view bytes);

/// Strict: whole groups, padding only at the end, no other characters. Nothing for what is none.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace ondol
