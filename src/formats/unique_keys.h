// Refuses JSON whose objects name a key twice: parsers keep one of the two in silence, and which one differs.
#pragma once

#include <string_view>

#include "base/result.h"

namespace ondol {

/// Checks all objects of `text`. Says nothing about text that is not JSON; parsing finds that.
Result<void> check_unique_json_keys(std::string_view text);

}  // namespace ondol
