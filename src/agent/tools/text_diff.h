// A unified diff for people: what a file is and what it would become.
#pragma once

#include <string>
#include <string_view>

namespace ondol {

/// One hunk from the first line that differs to the last, with three lines around; "" where nothing differs.
std::string unified_diff(std::string_view path, std::string_view before, std::string_view after);

}  // namespace ondol
