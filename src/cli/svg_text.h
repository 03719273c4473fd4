// Text in drawings.
#pragma once

#include <string>
#include <string_view>

namespace ondol::cli {

/// Any bytes as text that XML can hold, in elements and in attributes.
std::string svg_text(std::string_view text);

}  // namespace ondol::cli
