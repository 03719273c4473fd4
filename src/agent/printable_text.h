// What programs and strangers write, so that neither a terminal obeys it nor JSON breaks.
#pragma once

#include <string>
#include <string_view>

namespace ondol {

/// Valid UTF-8, without control characters but line breaks and tabs. Carriage returns become line breaks.
std::string printable_text(std::string_view bytes);

}  // namespace ondol
