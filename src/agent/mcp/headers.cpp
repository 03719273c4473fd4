#include "agent/mcp/headers.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "agent/mcp/revision.h"
#include "base/base64.h"

namespace ondol::mcp {
namespace {

constexpr std::string_view kPrefix = "=?base64?";
constexpr std::string_view kSuffix = "?=";
constexpr int kMaxDepth = 32;

bool is_sealed(std::string_view text) {
  return text.size() >= kPrefix.size() + kSuffix.size() && text.starts_with(kPrefix) && text.ends_with(kSuffix);
}

bool is_plain(char c) {
  return c >= 0x20 && c <= 0x7E;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && kSigns.find(c) == std::string_view::npos) return false;
  return !text.empty();
}

// Marks may stand on properties of properties only; anywhere else they are an error.
class Marks {
 public:
  Result<void> visit(const json::value& schema, bool is_reachable, int depth) {
    if (depth > kMaxDepth) return Error("the schema is nested too deeply");
    if (const json::array* array = schema.if_array())
      for (const json::value& part : *array) ONDOL_TRY(visit(part, false, depth + 1));
    const json::object* object = schema.if_object();
    if (object == nullptr) return {};
    if (const json::value* mark = object->if_contains("x-mcp-header")) ONDOL_TRY(take(*mark, *object, is_reachable));
    for (const auto& [keyword, part] : *object) {
      if (keyword == "x-mcp-header" || keyword == "enum" || keyword == "const" || keyword == "default" ||
          keyword == "examples")
        continue;
      if (keyword != "properties" || !part.is_object()) {
        ONDOL_TRY(visit(part, false, depth + 1));
        continue;
      }
      for (const auto& [name, property] : part.get_object()) {
        path_.emplace_back(name);
        ONDOL_TRY(visit(property, is_reachable, depth + 1));
        path_.pop_back();
      }
    }
    return {};
  }

  std::vector<MirroredArgument> found;

 private:
  Result<void> take(const json::value& mark, const json::object& property, bool is_reachable) {
    const std::string name = mark.is_string() ? std::string(mark.get_string()) : "";
    if (!is_token(name)) return Error(fmt::format("x-mcp-header: {} is no name of a header", json_text(mark)));
    if (!is_reachable || path_.empty())
      return Error(fmt::format("x-mcp-header '{}': it may stand on plain properties only", name));
    const std::string type = string_or(property, "type", "");
    if (type != "string" && type != "integer" && type != "boolean")
      return Error(fmt::format("x-mcp-header '{}': its type must be string, integer or boolean", name));
    if (!names_.insert(lower(name)).second) return Error(fmt::format("x-mcp-header '{}' stands there twice", name));
    found.push_back({path_, "Mcp-Param-" + name, type});
    return {};
  }

  std::vector<std::string> path_;
  std::set<std::string> names_;
};

RpcError mismatch(std::string message) {
  return {kHeaderMismatch, "header mismatch: " + std::move(message)};
}

bool is_same_value(const MirroredArgument& argument, const std::string& header, const std::string& body) {
  if (argument.type != "integer") return header == body;
  char* end = nullptr;
  const double number = std::strtod(header.c_str(), &end);
  return end != header.c_str() && *end == '\0' && number == std::strtod(body.c_str(), nullptr);
}

/// Which member of the parameters Mcp-Name repeats; "" for none.
std::string_view name_field(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  return method == "resources/read" ? "uri" : "";
}

std::optional<RpcError> check_one(const std::string& name, const std::optional<std::string>& header,
                                  const std::string& expected, const MirroredArgument* argument) {
  if (!header) return mismatch(fmt::format("{} is missing", name));
  const auto value = read_header_value(*header);
  if (!value) return mismatch(fmt::format("{} has a value that headers may not have", name));
  const bool is_same = argument != nullptr ? is_same_value(*argument, *value, expected) : *value == expected;
  if (!is_same)
    return mismatch(
        fmt::format("{} is '{}', but the body says '{}'", name, value->substr(0, 100), expected.substr(0, 100)));
  return std::nullopt;
}

}  // namespace

std::string header_value(std::string_view value) {
  bool is_safe = !is_sealed(value) && (value.empty() || (value.front() != ' ' && value.back() != ' '));
  for (const char c : value) is_safe = is_safe && is_plain(c);
  if (is_safe) return std::string(value);
  return fmt::format("{}{}{}", kPrefix, base64(value), kSuffix);
}

std::optional<std::string> read_header_value(std::string_view header) {
  if (is_sealed(header)) {
    header.remove_prefix(kPrefix.size());
    header.remove_suffix(kSuffix.size());
    return decode_base64(header);
  }
  for (const char c : header)
    if (!is_plain(c) && c != '\t') return std::nullopt;
  return std::string(header);
}

Result<std::vector<MirroredArgument>> mirrored_arguments(const json::value& input_schema) {
  Marks marks;
  ONDOL_TRY(marks.visit(input_schema, true, 0));
  return std::move(marks.found);
}

std::optional<std::string> mirrored_text(const MirroredArgument& argument, const json::object& arguments) {
  const json::object* object = &arguments;
  const json::value* value = nullptr;
  for (const std::string& key : argument.path) {
    value = object != nullptr ? object->if_contains(key) : nullptr;
    if (value == nullptr) return std::nullopt;
    object = value->if_object();
  }
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_string()) return std::string(value->get_string());
  return json_text(*value);
}

std::vector<std::pair<std::string, std::string>> request_headers(const std::string& method, const json::object& params,
                                                                 const std::vector<MirroredArgument>& mirrored) {
  std::vector<std::pair<std::string, std::string>> headers{{"Mcp-Method", method}};
  if (const std::string_view field = name_field(method); !field.empty())
    headers.emplace_back("Mcp-Name", header_value(string_or(params, field, "")));
  const json::value* arguments = params.if_contains("arguments");
  if (arguments == nullptr || !arguments->is_object()) return headers;
  for (const MirroredArgument& argument : mirrored)
    if (const auto text = mirrored_text(argument, arguments->get_object()))
      headers.emplace_back(argument.header, header_value(*text));
  return headers;
}

std::optional<RpcError> check_headers(const RpcMessage& request, const HeaderLookup& header,
                                      const std::vector<MirroredArgument>& mirrored) {
  const auto method = header("mcp-method");
  if (!method) return mismatch("Mcp-Method is missing");
  if (*method != request.method)
    return mismatch(fmt::format("Mcp-Method is '{}', but the body says '{}'", method->substr(0, 100),
                                request.method.substr(0, 100)));
  if (const std::string_view field = name_field(request.method); !field.empty()) {
    if (auto error = check_one("Mcp-Name", header("mcp-name"), string_or(request.params, field, ""), nullptr))
      return error;
  }
  const json::value* arguments = request.params.if_contains("arguments");
  const json::object none;
  const json::object& given = arguments != nullptr && arguments->is_object() ? arguments->get_object() : none;
  for (const MirroredArgument& argument : mirrored) {
    const auto found = header(lower(argument.header));
    const auto expected = mirrored_text(argument, given);
    if (!expected && found) return mismatch(fmt::format("{} has no argument in the body", argument.header));
    if (!expected) continue;
    if (auto error = check_one(argument.header, found, *expected, &argument)) return error;
  }
  return std::nullopt;
}

}  // namespace ondol::mcp
