// JSON as people write it: two spaces a level, short lists of numbers on one line, numbers in their shortest form.
#pragma once

#include <string>

#include "base/json.h"

namespace ondol {

std::string pretty_json(const json::value& value);

}  // namespace ondol
