// The target of a request: its path in segments and its query, percent-decoded and checked.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ondol::server {

struct Target {
  std::string authority;                     // of "http://host:port/path", else ""
  std::string path;                          // decoded
  std::vector<std::string> segments;         // decoded one by one, so that %2F stays inside of one; "/" has none
  std::map<std::string, std::string> query;  // the last one of a name counts
};

/// "%41+" to "A+", or to "A " where plus is a space. Nothing for a % without two digits, and for what is then no valid
/// UTF-8 or has a NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

/// RFC 9112, section 3.2: origin-form, absolute-form, or "*". Paths with control characters or the segments "." and
/// ".." are refused: clients resolve those before they ask.
Result<Target> parse_target(std::string_view target);

}  // namespace ondol::server
