#include "formats/unique_keys.h"

#include <string>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>

namespace ondol {
namespace {

/// What Boost.JSON's streaming parser calls; see the documentation of basic_parser for the meaning of each.
struct KeyHandler {
  using string_view = boost::json::string_view;
  using error_code = boost::json::error_code;

  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  std::vector<std::unordered_set<std::string>> open_objects;
  std::string key;
  std::string duplicate;
  bool found = false;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    open_objects.emplace_back();
    return true;
  }
  bool on_object_end(size_t, error_code&) {
    open_objects.pop_back();
    return true;
  }
  bool on_key_part(string_view part, size_t, error_code&) {
    key.append(part.data(), part.size());
    return true;
  }
  bool on_key(string_view part, size_t, error_code& code) {
    key.append(part.data(), part.size());
    const bool is_new = open_objects.back().insert(key).second;
    if (!is_new) {
      found = true;
      duplicate = key;
      code = boost::json::error::extra_data;  // any error ends the parse
    }
    key.clear();
    return is_new;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(size_t, error_code&) { return true; }
  bool on_string_part(string_view, size_t, error_code&) { return true; }
  bool on_string(string_view, size_t, error_code&) { return true; }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(int64_t, string_view, error_code&) { return true; }
  bool on_uint64(uint64_t, string_view, error_code&) { return true; }
  bool on_double(double, string_view, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

}  // namespace

Result<void> check_unique_json_keys(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 200;
  boost::json::basic_parser<KeyHandler> parser(options);
  boost::json::error_code code;
  parser.write_some(false, text.data(), text.size(), code);
  if (parser.handler().found) return Error(fmt::format("key '{}' occurs twice", parser.handler().duplicate));
  return {};
}

}  // namespace ondol
