#include "server/json_fields.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace ondol::server {
namespace {

constexpr size_t kMaxShownBytes = 60;

// Cut between characters.
std::string shorten(std::string text) {
  if (text.size() <= kMaxShownBytes) return text;
  size_t end = kMaxShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string describe(const json::value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string())
    return shorten(json::serialize(json::value(std::string_view(value.get_string()).substr(0, 4 * kMaxShownBytes))));
  return json::serialize(value);
}

std::string describe_number(double number) {
  return number == std::floor(number) && std::abs(number) < 1e15 ? fmt::format("{:.0f}", number)
                                                                 : fmt::format("{}", number);
}

// A whole number, written as one or with a fraction of zero.
template <typename T>
Result<T> whole_number(const json::value& value, const JsonPath& place) {
  if (value.is_int64() && std::in_range<T>(value.get_int64())) return static_cast<T>(value.get_int64());
  if (value.is_uint64() && std::in_range<T>(value.get_uint64())) return static_cast<T>(value.get_uint64());
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it, a double does not say which whole number was meant
  if (value.is_double() && std::abs(value.get_double()) <= kExact) {
    const auto whole = static_cast<int64_t>(value.get_double());
    if (static_cast<double>(whole) == value.get_double() && std::in_range<T>(whole)) return static_cast<T>(whole);
  }
  const bool is_whole = value.is_int64() || value.is_uint64();
  return wrong_json(place,
                    is_whole ? fmt::format("a whole number from {} to {}", std::numeric_limits<T>::min(),
                                           std::numeric_limits<T>::max())
                             : std::string(json_type_name<T>()),
                    value);
}

}  // namespace

const JsonPath& JsonPath::root() {
  static const JsonPath root;
  return root;
}

std::string JsonPath::text() const {
  if (parent_ == nullptr) return {};
  const std::string before = parent_->text();
  if (index_ != SIZE_MAX) return fmt::format("{}[{}]", before, index_);
  const std::string name = shorten(std::string(name_));
  return before.empty() ? name : before + "." + name;
}

Result<json::object> read_json_object(const Request& request) {
  const std::string_view body = request.body;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return Error("the request's body is empty: expected a JSON object");
  const auto n_values =
      std::count_if(body.begin(), body.end(), [](char c) { return c == ',' || c == '[' || c == '{'; });
  if (static_cast<size_t>(n_values) > kMaxJsonValues)
    return Error(fmt::format("the request's body has more than {} values", kMaxJsonValues));
  json::value value = ONDOL_TRY(parse_json(body).in("the request's body"));
  if (!value.is_object()) return Error("the request's body: expected a JSON object, got " + describe(value));
  return std::move(value.get_object());
}

HttpError field_error(const Error& error) {
  HttpError out = make_error(400, error.message());
  const std::string_view place = std::string_view(out.message).substr(0, out.message.find(": "));
  if (place.size() < out.message.size() && place.find(' ') == std::string_view::npos) out.parameter = place;
  return out;
}

Error wrong_json(const JsonPath& place, std::string_view expected, const json::value& got) {
  const std::string text = place.text();
  return Error(
      fmt::format("{}: expected {}, got {}", text.empty() ? "the request's body" : text, expected, describe(got)));
}

Error missing_json(const JsonPath& place, std::string_view expected) {
  return Error(fmt::format("{}: expected {}, but it is missing", place.text(), expected));
}

Error not_between(const JsonPath& place, double least, double most, const json::value& got) {
  return wrong_json(place, fmt::format("a number from {} to {}", describe_number(least), describe_number(most)), got);
}

template <>
std::string_view json_type_name<std::string>() {
  return "a string";
}
template <>
std::string_view json_type_name<std::string_view>() {
  return "a string";
}
template <>
std::string_view json_type_name<bool>() {
  return "true or false";
}
template <>
std::string_view json_type_name<int>() {
  return "a whole number";
}
template <>
std::string_view json_type_name<int64_t>() {
  return "a whole number";
}
template <>
std::string_view json_type_name<uint64_t>() {
  return "a whole number";
}
template <>
std::string_view json_type_name<double>() {
  return "a number";
}
template <>
std::string_view json_type_name<float>() {
  return "a number";
}
template <>
std::string_view json_type_name<const json::object*>() {
  return "an object";
}
template <>
std::string_view json_type_name<const json::array*>() {
  return "a list";
}
template <>
std::string_view json_type_name<const json::value*>() {
  return "a value";
}
template <>
std::string_view json_type_name<std::vector<std::string>>() {
  return "a list of strings";
}

template <>
Result<std::string_view> read_json(const json::value& value, const JsonPath& place) {
  if (!value.is_string()) return wrong_json(place, "a string", value);
  return std::string_view(value.get_string());
}

template <>
Result<std::string> read_json(const json::value& value, const JsonPath& place) {
  return std::string(ONDOL_TRY(read_json<std::string_view>(value, place)));
}

template <>
Result<bool> read_json(const json::value& value, const JsonPath& place) {
  if (!value.is_bool()) return wrong_json(place, json_type_name<bool>(), value);
  return value.get_bool();
}

template <>
Result<int> read_json(const json::value& value, const JsonPath& place) {
  return whole_number<int>(value, place);
}

template <>
Result<int64_t> read_json(const json::value& value, const JsonPath& place) {
  return whole_number<int64_t>(value, place);
}

template <>
Result<uint64_t> read_json(const json::value& value, const JsonPath& place) {
  return whole_number<uint64_t>(value, place);
}

template <>
Result<double> read_json(const json::value& value, const JsonPath& place) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (!value.is_double() || !std::isfinite(value.get_double())) return wrong_json(place, "a number", value);
  return value.get_double();
}

template <>
Result<float> read_json(const json::value& value, const JsonPath& place) {
  const double number = ONDOL_TRY(read_json<double>(value, place));
  if (std::abs(number) > std::numeric_limits<float>::max()) return wrong_json(place, "a number", value);
  return static_cast<float>(number);
}

template <>
Result<const json::object*> read_json(const json::value& value, const JsonPath& place) {
  if (!value.is_object()) return wrong_json(place, "an object", value);
  return &value.get_object();
}

template <>
Result<const json::array*> read_json(const json::value& value, const JsonPath& place) {
  if (!value.is_array()) return wrong_json(place, "a list", value);
  return &value.get_array();
}

template <>
Result<const json::value*> read_json(const json::value& value, const JsonPath&) {
  return &value;
}

template <>
Result<std::vector<std::string>> read_json(const json::value& value, const JsonPath& place) {
  if (!value.is_array()) return wrong_json(place, "a list of strings", value);
  std::vector<std::string> out;
  for (size_t i = 0; i < value.get_array().size(); ++i)
    out.push_back(ONDOL_TRY(read_json<std::string>(value.get_array()[i], JsonPath(place, i))));
  return out;
}

}  // namespace ondol::server
