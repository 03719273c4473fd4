// Values written as Java or JavaScript source code, as the Berkeley leaderboard reads them: what is not of the form
// that the type has stays a text.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace ondol {

/// `element`: the type of a collection's elements; "" where nothing is said of it.
json::value java_value(const std::string& text, std::string_view type, std::string_view element);
json::value javascript_value(const std::string& text, std::string_view type, std::string_view element);

}  // namespace ondol
