// Calculation: arithmetic as people write it, exact where that is possible: "0.1 + 0.2" is 0.3, "2^100" has all of its
// digits.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol {

/// + - * / % ^ and brackets; pi, e; sqrt, abs, floor, ceil, round, min, max, exp, ln, log10, log2, sin, cos, tan. The
/// result is a number in decimals, "1/3 = 0.333333333333333" where those have no end, or "about 1.41421356237310" where
/// it is not exact. Errors: not of this form, division by zero, too large.
Result<std::string> calculate(std::string_view expression);

}  // namespace ondol
