// Identifiers that clients keep: "chatcmpl-...", "call_...".
#pragma once

#include <string>
#include <string_view>

namespace ondol::server {

/// `prefix` and n random letters and digits.
std::string random_id(std::string_view prefix, int n = 24);

}  // namespace ondol::server
