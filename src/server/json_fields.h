// Fields of a request's JSON body, with errors that name the place: "messages[2].role: expected a string, got 3".
//
//   const json::object body = ONDOL_TRY(read_json_object(request));
//   const auto model = ONDOL_TRY(field<std::string>(body, "model"));
//   const auto stream = ONDOL_TRY(field_or<bool>(body, "stream", false));
//   const auto temperature = ONDOL_TRY(field_between<double>(body, "temperature", 0, 2));   // std::optional
//   const auto* messages = ONDOL_TRY(field<const json::array*>(body, "messages"));
//   const JsonPath list(JsonPath::root(), "messages");
//   for (size_t i = 0; i < messages->size(); ++i) {
//     const JsonPath place(list, i);
//     const auto* message = ONDOL_TRY(read_json<const json::object*>((*messages)[i], place));
//     const auto role = ONDOL_TRY(field<std::string_view>(*message, "role", place));
//   }
//
// null counts as absent, as clients write it for fields they leave out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "server/http.h"

namespace ondol::server {

/// A place in a document. Refers to its parent and its name, which must live longer.
class JsonPath {
 public:
  static const JsonPath& root();
  JsonPath(const JsonPath& parent, std::string_view name) : parent_(&parent), name_(name) {}
  JsonPath(const JsonPath& parent, size_t index) : parent_(&parent), index_(index) {}

  /// "messages[2].role"; "" for the root.
  std::string text() const;

 private:
  JsonPath() = default;

  const JsonPath* parent_ = nullptr;
  std::string_view name_;
  size_t index_ = SIZE_MAX;
};

/// The body as a JSON object. Fails with line and column, for more than kMaxJsonValues, and for a depth above 200.
Result<json::object> read_json_object(const Request& request);

/// Every value takes at least 24 bytes of memory and may be two bytes of a body.
inline constexpr size_t kMaxJsonValues = size_t{4} << 20;

/// 400, with the error's place as the parameter.
HttpError field_error(const Error& error);

/// "place: expected ..., got ...", with the value shortened.
Error wrong_json(const JsonPath& place, std::string_view expected, const json::value& got);
Error missing_json(const JsonPath& place, std::string_view expected);

/// `value` as a T: std::string, std::string_view (into the document), bool, int, int64_t, uint64_t, double, float,
/// const json::object*, const json::array*, const json::value*, std::vector<std::string>. Whole numbers may be written
/// as 3.0.
template <typename T>
Result<T> read_json(const json::value& value, const JsonPath& place);

/// What read_json<T> expects, e.g. "a string".
template <typename T>
std::string_view json_type_name();

#define ONDOL_JSON_TYPE(T)                                     \
  template <>                                                  \
  Result<T> read_json<T>(const json::value&, const JsonPath&); \
  template <>                                                  \
  std::string_view json_type_name<T>();
ONDOL_JSON_TYPE(std::string)
ONDOL_JSON_TYPE(std::string_view)
ONDOL_JSON_TYPE(bool)
ONDOL_JSON_TYPE(int)
ONDOL_JSON_TYPE(int64_t)
ONDOL_JSON_TYPE(uint64_t)
ONDOL_JSON_TYPE(double)
ONDOL_JSON_TYPE(float)
ONDOL_JSON_TYPE(const json::object*)
ONDOL_JSON_TYPE(const json::array*)
ONDOL_JSON_TYPE(const json::value*)
ONDOL_JSON_TYPE(std::vector<std::string>)
#undef ONDOL_JSON_TYPE

/// Nothing when it is absent or null.
template <typename T>
Result<std::optional<T>> optional_field(const json::object& object, std::string_view name,
                                        const JsonPath& place = JsonPath::root()) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::optional<T>();
  return std::optional<T>(ONDOL_TRY(read_json<T>(*value, JsonPath(place, name))));
}

/// An error when it is absent or null.
template <typename T>
Result<T> field(const json::object& object, std::string_view name, const JsonPath& place = JsonPath::root()) {
  auto value = ONDOL_TRY(optional_field<T>(object, name, place));
  if (!value) return missing_json(JsonPath(place, name), json_type_name<T>());
  return std::move(*value);
}

template <typename T>
Result<T> field_or(const json::object& object, std::string_view name, std::type_identity_t<T> fallback,
                   const JsonPath& place = JsonPath::root()) {
  auto value = ONDOL_TRY(optional_field<T>(object, name, place));
  return value ? std::move(*value) : std::move(fallback);
}

Error not_between(const JsonPath& place, double least, double most, const json::value& got);

/// A number from `least` to `most`; nothing when it is absent or null.
template <typename T>
Result<std::optional<T>> field_between(const json::object& object, std::string_view name, std::type_identity_t<T> least,
                                       std::type_identity_t<T> most, const JsonPath& place = JsonPath::root()) {
  auto value = ONDOL_TRY(optional_field<T>(object, name, place));
  if (value && !(*value >= least && *value <= most))
    return not_between(JsonPath(place, name), static_cast<double>(least), static_cast<double>(most), object.at(name));
  return value;
}

}  // namespace ondol::server
