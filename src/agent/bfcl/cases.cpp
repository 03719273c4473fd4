#include "agent/bfcl/cases.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/files.h"

namespace ondol {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;

/// JSON Schema's name for a type of any of the languages.
std::string_view json_type(std::string_view type) {
  static const std::map<std::string_view, std::string_view> kTypes = {
      {"integer", "integer"},   {"number", "number"},    {"float", "number"},     {"string", "string"},
      {"boolean", "boolean"},   {"bool", "boolean"},     {"array", "array"},      {"list", "array"},
      {"dict", "object"},       {"object", "object"},    {"tuple", "array"},      {"any", "string"},
      {"byte", "integer"},      {"short", "integer"},    {"long", "integer"},     {"double", "number"},
      {"char", "string"},       {"ArrayList", "array"},  {"Array", "array"},      {"HashMap", "object"},
      {"Hashtable", "object"},  {"Queue", "array"},      {"Stack", "array"},      {"Any", "string"},
      {"String", "string"},     {"Bigint", "integer"},   {"Boolean", "boolean"},
  };
  const auto found = kTypes.find(type);
  return found == kTypes.end() ? "string" : found->second;
}

bool is_of(const json::value& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  if (type == "array") return value.is_array();
  return value.is_object();
}

json::value schema_of(const json::value& definition);

json::object properties_of(const json::value& definitions) {
  json::object properties;
  if (!definitions.is_object()) return properties;
  for (const auto& member : definitions.get_object()) properties[member.key()] = schema_of(member.value());
  return properties;
}

/// What models and grammars understand of a definition.
json::value schema_of(const json::value& definition) {
  const std::string_view type = json_type(string_or(definition, "type", "string"));
  json::object schema = {{"type", type}};
  std::string description = string_or(definition, "description", "");
  if (string_or(definition, "type", "") == "float") description += " This is a float type value.";
  if (!description.empty()) schema["description"] = description;
  if (const json::value* fallback = find_member(definition, "default")) schema["default"] = *fallback;
  if (const json::value* choices = find_member(definition, "enum"); choices != nullptr && choices->is_array()) {
    json::array fitting;
    for (const json::value& choice : choices->get_array()) {
      if (is_of(choice, type)) fitting.push_back(choice);
    }
    if (!fitting.empty()) schema["enum"] = std::move(fitting);
  }
  if (type == "array") {
    const json::value* items = find_member(definition, "items");
    if (items != nullptr && items->is_object()) schema["items"] = schema_of(*items);
  }
  const json::value* properties = find_member(definition, "properties");
  if (type == "object" && properties != nullptr) {
    schema["properties"] = properties_of(*properties);
    if (const json::value* required = find_member(definition, "required")) schema["required"] = *required;
  }
  return schema;
}

/// The same for a language whose values are written as source text.
json::value source_schema_of(const json::value& definition, std::string_view language) {
  std::string type = string_or(definition, "type", "any");
  const json::value* items = find_member(definition, "items");
  if (items != nullptr) type += fmt::format(" with elements of type {}", string_or(*items, "type", "any"));
  return json::object{{"type", "string"},
                      {"description", fmt::format("{} A {} value of type {}, written as {} source code.",
                                                  string_or(definition, "description", ""), language, type, language)}};
}

ToolDefinition tool_of(const json::value& function, BfclLanguage language) {
  ToolDefinition tool;
  tool.name = bfcl_tool_name(string_or(function, "name", ""));
  tool.description = string_or(function, "description", "");
  const json::value* parameters = find_member(function, "parameters");
  json::object schema = {{"type", "object"}};
  const json::value* properties = parameters == nullptr ? nullptr : find_member(*parameters, "properties");
  if (properties != nullptr && properties->is_object()) {
    if (language == BfclLanguage::kPython) {
      schema["properties"] = properties_of(*properties);
    } else {
      const std::string_view name = language == BfclLanguage::kJava ? "Java" : "JavaScript";
      json::object texts;
      for (const auto& member : properties->get_object()) {
        texts[member.key()] = source_schema_of(member.value(), name);
      }
      schema["properties"] = std::move(texts);
      tool.description += fmt::format(" It is a {} function.", name);
    }
  } else {
    schema["properties"] = json::object();
  }
  if (const json::value* required = parameters == nullptr ? nullptr : find_member(*parameters, "required")) {
    if (required->is_array()) schema["required"] = *required;
  }
  tool.parameters = std::move(schema);
  return tool;
}

Result<std::vector<json::value>> read_lines(const std::string& path) {
  const std::string text = ONDOL_TRY(read_file(path, kMostBytes));
  std::vector<json::value> lines;
  int number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    ++number;
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto value = parse_json(line);
    if (!value) return value.error().in(fmt::format("{}: line {}", path, number));
    if (!value->is_object()) return Error(fmt::format("{}: line {}: expected a JSON object", path, number));
    lines.push_back(std::move(*value));
  }
  return lines;
}

Result<json::array> array_of(const json::value& line, std::string_view key) {
  const json::value* value = find_member(line, key);
  if (value == nullptr || !value->is_array()) {
    return Error(fmt::format("'{}': expected a list '{}'", string_or(line, "id", ""), key));
  }
  return value->get_array();
}

Result<BfclCase> read_case(const json::value& line) {
  BfclCase read;
  read.id = string_or(line, "id", "");
  const json::array turns = ONDOL_TRY(array_of(line, "question"));
  if (turns.size() != 1 || !turns[0].is_array()) return Error("'" + read.id + "': expected a question of one turn");
  for (const json::value& message : turns[0].get_array()) {
    if (string_or(message, "role", "").empty() || find_member(message, "content") == nullptr) {
      return Error("'" + read.id + "': expected messages with role and content");
    }
    read.messages.push_back(message);
  }
  read.functions = ONDOL_TRY(array_of(line, "function"));
  return read;
}

}  // namespace

const std::vector<BfclCategory>& bfcl_categories() {
  using Kind = BfclKind;
  static const std::vector<BfclCategory> kCategories = {
      {"simple_python", Kind::kOneCall},
      {"simple_java", Kind::kOneCall, BfclLanguage::kJava},
      {"simple_javascript", Kind::kOneCall, BfclLanguage::kJavaScript},
      {"multiple", Kind::kOneOfMany},
      {"parallel", Kind::kCalls},
      {"parallel_multiple", Kind::kCalls},
      {"irrelevance", Kind::kNoCall},
      {"live_simple", Kind::kOneCall},
      {"live_multiple", Kind::kOneOfMany},
      {"live_parallel", Kind::kCalls},
      {"live_parallel_multiple", Kind::kCalls},
      {"live_irrelevance", Kind::kNoCall},
      {"live_relevance", Kind::kSomeCall},
  };
  return kCategories;
}

Result<BfclCategory> find_bfcl_category(std::string_view name) {
  std::string names;
  for (const BfclCategory& category : bfcl_categories()) {
    if (category.name == name) return category;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", category.name);
  }
  return Error(fmt::format("--category: expected {}, got '{}'", names, name));
}

Result<std::vector<BfclCase>> read_bfcl(const std::string& folder, const BfclCategory& category) {
  const std::string file = fmt::format("BFCL_v4_{}.json", category.name);
  std::vector<BfclCase> cases;
  for (const json::value& line : ONDOL_TRY(read_lines(folder + "/" + file))) {
    cases.push_back(ONDOL_TRY(read_case(line).in(file)));
  }
  if (category.kind == BfclKind::kNoCall || category.kind == BfclKind::kSomeCall) return cases;
  std::map<std::string, json::array> answers;
  for (const json::value& line : ONDOL_TRY(read_lines(folder + "/possible_answer/" + file))) {
    answers[string_or(line, "id", "")] = ONDOL_TRY(array_of(line, "ground_truth").in("possible_answer/" + file));
  }
  for (BfclCase& read : cases) {
    const auto found = answers.find(read.id);
    if (found == answers.end() || found->second.empty()) {
      return Error(fmt::format("possible_answer/{}: expected an answer to '{}'", file, read.id));
    }
    read.answers = found->second;
  }
  return cases;
}

std::string bfcl_tool_name(std::string_view function) {
  std::string name(function);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::vector<ToolDefinition> bfcl_tools(const json::array& functions, BfclLanguage language) {
  std::vector<ToolDefinition> tools;
  for (const json::value& function : functions) tools.push_back(tool_of(function, language));
  return tools;
}

}  // namespace ondol
