#include "server/fields.h"

#include <cmath>

#include <fmt/format.h>

#include "server/json_fields.h"

namespace ondol::server {

void RequestFault::set(std::string parameter, std::string message, std::string code) {
  if (error_) return;
  HttpError error = make_error(400, std::move(message), std::move(code));
  error.parameter = std::move(parameter);
  error_ = std::move(error);
}

void RequestFault::set(const Error& error) {
  if (!error_) error_ = field_error(error);
}

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

std::string Fields::path_of(std::string_view key) const {
  if (path_.empty()) return std::string(key);
  return key.empty() ? path_ : fmt::format("{}.{}", path_, key);
}

const json::value* Fields::find(std::string_view key) const {
  const json::value* value = object_->if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

template <typename T>
std::optional<T> Fields::read(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr) return {};
  const std::string path = path_of(key);
  auto result = read_json<T>(*value, JsonPath(JsonPath::root(), path));
  if (result) return std::move(*result);
  fault_->set(result.error());
  return {};
}

std::optional<std::string> Fields::text(std::string_view key) const {
  return read<std::string>(key);
}

std::string Fields::required_text(std::string_view key) const {
  if (!has(key)) fail(key, path_of(key) + ": expected a string, but it is missing");
  return text(key).value_or("");
}

std::optional<bool> Fields::flag(std::string_view key) const {
  return read<bool>(key);
}

std::optional<double> Fields::number(std::string_view key, double low, double high) const {
  const auto number = read<double>(key);
  if (!number || (*number >= low && *number <= high)) return number;
  const std::string path = path_of(key);
  fault_->set(not_between(JsonPath(JsonPath::root(), path), low, high, *find(key)));
  return {};
}

std::optional<int64_t> Fields::integer(std::string_view key, int64_t low, int64_t high) const {
  const auto number = read<int64_t>(key);
  if (!number || (*number >= low && *number <= high)) return number;
  fail(key, fmt::format("{}: expected a whole number from {} to {}, got {}", path_of(key), low, high, *number));
  return {};
}

const json::array* Fields::array(std::string_view key) const {
  return read<const json::array*>(key).value_or(nullptr);
}

const json::object* Fields::object(std::string_view key) const {
  return read<const json::object*>(key).value_or(nullptr);
}

std::vector<std::string> Fields::texts(std::string_view key) const {
  const json::value* value = find(key);
  if (value != nullptr && value->is_string()) return {std::string(value->get_string())};
  return read<std::vector<std::string>>(key).value_or(std::vector<std::string>());
}

}  // namespace ondol::server
