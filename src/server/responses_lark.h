// Grammars in Lark's notation, as clients give them for the input of a tool, as regular expressions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol::server {

/// A regular expression (ECMA-262) for the texts of rule `start`. Rules and terminals, strings, regular expressions,
/// groups, |, ?, *, +, ~n, ~n..m, aliases, priorities and %import of common terminals are understood. Refused: rules
/// that contain themselves, as no regular expression can do that, %ignore, templates, and results above 256 KiB.
Result<std::string> regex_of_lark(std::string_view grammar);

}  // namespace ondol::server
