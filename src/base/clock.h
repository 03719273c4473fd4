// Clock: the time that templates and logs see. ONDOL_NOW (ISO 8601) fixes it, so that runs can be repeated exactly.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ondol {

/// Seconds since 1970, from ONDOL_NOW if that is set. "2026-01-15T09:30" without an offset is local time.
Result<int64_t> now_unix_seconds();

/// Parses "2026-01-15", "2026-01-15T09:30[:00][Z|+09:00]" (a space may stand for the T).
Result<int64_t> parse_iso_time(std::string_view text);

}  // namespace ondol
