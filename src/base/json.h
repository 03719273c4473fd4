// JSON: Boost.JSON behind Result, with bounded depth and messages that name the line.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

#include "base/result.h"

namespace ondol {

namespace json = boost::json;

/// Parses one JSON document. Errors name line and column. Objects keep the order of their keys.
Result<json::value> parse_json(std::string_view text);

/// The shortest text, with numbers as people write them: 1.5, where Boost's serialize writes 1.5E0. What is not finite
/// becomes null.
std::string json_text(const json::value& value);

/// The member `key` of an object, or nullptr when `value` is no object or has no such member.
const json::value* find_member(const json::value& value, std::string_view key);

/// Members with a default for when they are absent or of another type.
std::string string_or(const json::value& object, std::string_view key, std::string_view fallback);
int64_t int_or(const json::value& object, std::string_view key, int64_t fallback);
double double_or(const json::value& object, std::string_view key, double fallback);
bool bool_or(const json::value& object, std::string_view key, bool fallback);

}  // namespace ondol
