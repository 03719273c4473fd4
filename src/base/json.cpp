#include "base/json.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <boost/json/src.hpp>  // the whole of Boost.JSON is compiled here, so that nothing else has to be linked

namespace ondol {
namespace {

constexpr size_t kMaxDepth = 200;

Error error_at(std::string_view text, size_t offset, const std::string& what) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return Error(fmt::format("line {}, column {}: not valid JSON: {}", line, offset - line_start + 1, what));
}

void append_json(std::string& text, const json::value& value) {
  if (const json::object* object = value.if_object()) {
    text += '{';
    bool is_first = true;
    for (const auto& [key, member] : *object) {
      if (!std::exchange(is_first, false)) text += ',';
      text += json::serialize(key);
      text += ':';
      append_json(text, member);
    }
    text += '}';
  } else if (const json::array* array = value.if_array()) {
    text += '[';
    for (size_t i = 0; i < array->size(); ++i) {
      if (i > 0) text += ',';
      append_json(text, (*array)[i]);
    }
    text += ']';
  } else if (value.is_double()) {
    text += std::isfinite(value.get_double()) ? fmt::format("{}", value.get_double()) : "null";
  } else {
    text += json::serialize(value);
  }
}

}  // namespace

std::string json_text(const json::value& value) {
  std::string text;
  append_json(text, value);
  return text;
}

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::stream_parser parser({}, options);
  boost::system::error_code code;
  const size_t consumed = parser.write_some(text.data(), text.size(), code);
  if (code) return error_at(text, consumed, code.message());
  parser.finish(code);
  if (code) return error_at(text, text.size(), "unexpected end");
  const size_t rest = text.find_first_not_of(" \t\r\n", consumed);
  if (rest != std::string_view::npos) return error_at(text, rest, "text after the end of the document");
  return parser.release();
}

const json::value* find_member(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string string_or(const json::value& object, std::string_view key, std::string_view fallback) {
  const json::value* member = find_member(object, key);
  if (member == nullptr || !member->is_string()) return std::string(fallback);
  return std::string(member->get_string());
}

int64_t int_or(const json::value& object, std::string_view key, int64_t fallback) {
  const json::value* member = find_member(object, key);
  if (member == nullptr) return fallback;
  if (member->is_int64()) return member->get_int64();
  if (member->is_double()) {
    const double number = member->get_double();
    if (number >= -9.0e15 && number <= 9.0e15) return static_cast<int64_t>(number);
  }
  return fallback;
}

double double_or(const json::value& object, std::string_view key, double fallback) {
  const json::value* member = find_member(object, key);
  if (member == nullptr || !member->is_number()) return fallback;
  return member->to_number<double>();
}

bool bool_or(const json::value& object, std::string_view key, bool fallback) {
  const json::value* member = find_member(object, key);
  return member == nullptr || !member->is_bool() ? fallback : member->get_bool();
}

}  // namespace ondol
