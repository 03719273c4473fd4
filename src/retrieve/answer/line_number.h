// Line numbers of what is cited.
#pragma once

#include <string>
#include <string_view>

namespace ondol {

/// The line of a file at whose byte `start` this text stands, from 1. 0 where the file is not there, has changed, or
/// is not the text itself.
int line_of(const std::string& path, size_t start, std::string_view text);

}  // namespace ondol
