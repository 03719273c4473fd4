// Fields: the members of a request's body, each read with its type and range (json_fields.h). The first one that is
// wrong is kept as the error to answer with, naming its path ("messages[2].role"); reading goes on with "absent", so
// that a reader is a plain list of fields and one question at the end. null counts as absent; what is not asked for is
// ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/http.h"

namespace ondol::server {

/// The first thing that is wrong with a request.
class RequestFault {
 public:
  void set(std::string parameter, std::string message, std::string code = {});
  void set(const Error& error);  // "place: what is wrong"
  explicit operator bool() const { return error_.has_value(); }
  const HttpError& error() const { return *error_; }

 private:
  std::optional<HttpError> error_;
};

class Fields {
 public:
  Fields(const json::object& object, RequestFault& fault, std::string path = {})
      : object_(&object), fault_(&fault), path_(std::move(path)) {}

  const json::value* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }

  std::optional<std::string> text(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<int64_t> integer(std::string_view key, int64_t low, int64_t high) const;
  std::optional<double> number(std::string_view key, double low, double high) const;
  const json::array* array(std::string_view key) const;
  const json::object* object(std::string_view key) const;
  /// A string, or an array of strings.
  std::vector<std::string> texts(std::string_view key) const;

  /// As above; absence is an error.
  std::string required_text(std::string_view key) const;

  std::string path_of(std::string_view key) const;
  void fail(std::string_view key, std::string message, std::string code = {}) const {
    fault_->set(path_of(key), std::move(message), std::move(code));
  }
  RequestFault& fault() const { return *fault_; }
  const json::object& value() const { return *object_; }

 private:
  template <typename T>
  std::optional<T> read(std::string_view key) const;

  const json::object* object_;
  RequestFault* fault_;
  std::string path_;
};

/// "an array", "a string": for messages.
std::string_view kind_name(const json::value& value);

}  // namespace ondol::server
