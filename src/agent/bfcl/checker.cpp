#include "agent/bfcl/checker.h"

#include <algorithm>
#include <optional>

#include "agent/bfcl/source_values.h"

namespace ondol {
namespace {

/// Types as the leaderboard tells them apart, which are Python's.
enum class Type { kString, kInteger, kFloat, kBoolean, kList, kDict, kNone };

Type type_of(const json::value& value) {
  if (value.is_string()) return Type::kString;
  if (value.is_bool()) return Type::kBoolean;
  if (value.is_double()) return Type::kFloat;
  if (value.is_number()) return Type::kInteger;
  if (value.is_array()) return Type::kList;
  return value.is_object() ? Type::kDict : Type::kNone;
}

Type type_named(std::string_view name) {
  if (name == "integer" || name == "byte" || name == "short" || name == "long" || name == "Bigint") {
    return Type::kInteger;
  }
  if (name == "float" || name == "double") return Type::kFloat;
  if (name == "boolean" || name == "Boolean") return Type::kBoolean;
  if (name == "array" || name == "tuple" || name == "Array" || name == "ArrayList" || name == "Queue" ||
      name == "Stack") {
    return Type::kList;
  }
  if (name == "dict" || name == "HashMap" || name == "Hashtable") return Type::kDict;
  return Type::kString;
}

bool has_elements(std::string_view type, BfclLanguage language) {
  if (language == BfclLanguage::kPython) return type == "array" || type == "tuple";
  return type == "Array" || type == "ArrayList" || type == "array";
}

/// As Python's ==: 1 is 1.0 and True.
bool are_equal(const json::value& a, const json::value& b) {
  const auto number = [](const json::value& value) -> std::optional<double> {
    if (value.is_bool()) return value.get_bool() ? 1.0 : 0.0;
    if (value.is_number()) return value.to_number<double>();
    return {};
  };
  const auto left = number(a), right = number(b);
  if (left || right) return left == right;
  if (a.is_array() && b.is_array()) {
    return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(), are_equal);
  }
  if (a.is_object() && b.is_object()) {
    if (a.get_object().size() != b.get_object().size()) return false;
    return std::all_of(a.get_object().begin(), a.get_object().end(), [&](const auto& member) {
      const json::value* other = b.get_object().if_contains(member.key());
      return other != nullptr && are_equal(member.value(), *other);
    });
  }
  return a == b;
}

bool is_among(const json::value& value, const json::array& list) {
  return std::any_of(list.begin(), list.end(), [&](const json::value& entry) { return are_equal(value, entry); });
}

bool is_empty_text(const json::value& value) {
  return value.is_string() && value.get_string().empty();
}

/// "" among the possible answers: the parameter may be left out.
bool may_be_absent(const json::value& possible) {
  if (possible.is_array()) return std::any_of(possible.get_array().begin(), possible.get_array().end(), is_empty_text);
  return possible.is_string();  // Python finds "" in every text
}

/// What is left of a text for comparing. Only ASCII changes its case, as far as the questions go.
std::string standard(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view(" ,./-_*^").find(c) != std::string_view::npos) continue;
    result += c == '\'' ? '"' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

json::value standard_value(const json::value& value) {
  if (value.is_string()) return json::value(standard(value.get_string()));
  return value;
}

json::array standard_items(const json::value& list) {
  json::array items;
  if (list.is_array()) {
    for (const json::value& item : list.get_array()) items.push_back(standard_value(item));
  }
  return items;
}

std::optional<Type> type_of_answers(const json::array& possible) {
  for (const json::value& answer : possible) {
    if (!is_empty_text(answer)) return type_of(answer);
  }
  return {};
}

struct TypeCheck {
  bool is_right = false;
  bool is_variable = false;  // the name of a variable stands for the value
  std::string why;
};

TypeCheck check_type(const json::value& value, const json::array& possible, Type expected, std::optional<Type> element) {
  const std::optional<Type> answer = type_of_answers(possible);
  const bool is_variable = answer && *answer != expected;
  TypeCheck wrong{false, false, "type_error:simple"};
  if (type_of(value) == expected) {
    if (!element) return {true, is_variable, ""};
    for (const json::value& candidate : possible) {
      const bool fits = !candidate.is_array() ||
                        std::all_of(value.get_array().begin(), value.get_array().end(), [&](const json::value& item) {
                          return check_type(item, candidate.get_array(), *element, {}).is_right;
                        });
      if (fits) return {true, is_variable, ""};
    }
    wrong.why = "type_error:nested";
    if (answer && type_of(value) == *answer) return wrong;
  }
  if (answer && type_of(value) == *answer) return {true, true, ""};
  wrong.why = "type_error:simple";
  return wrong;
}

std::string check_text(const json::value& value, const json::array& possible) {
  const std::string text = standard(value.get_string());
  const bool fits = std::any_of(possible.begin(), possible.end(), [&](const json::value& answer) {
    return answer.is_string() && standard(answer.get_string()) == text;
  });
  return fits ? "" : "value_error:string";
}

std::string check_list(const json::value& value, const json::array& possible) {
  const json::value items = standard_items(value);
  const bool fits = std::any_of(possible.begin(), possible.end(), [&](const json::value& answer) {
    return are_equal(items, json::value(standard_items(answer)));
  });
  return fits ? "" : "value_error:list/tuple";
}

/// One dictionary with one that is possible: {key: [values]}.
std::string check_members(const json::object& value, const json::object& possible) {
  std::string why;
  for (const auto& member : value) {
    const json::value* answers = possible.if_contains(member.key());
    if (answers == nullptr) {
      why = "value_error:dict_key";
      break;
    }
    if (!is_among(standard_value(member.value()), standard_items(*answers))) {
      why = "value_error:dict_value";
      break;
    }
  }
  for (const auto& member : possible) {
    if (value.if_contains(member.key()) == nullptr && !may_be_absent(member.value())) return "value_error:dict_key";
  }
  return why;
}

std::string check_dict(const json::value& value, const json::array& possible) {
  std::string why = "dict_checker:unclear";
  for (const json::value& answer : possible) {
    if (!answer.is_object() || !value.is_object()) continue;
    why = check_members(value.get_object(), answer.get_object());
    if (why.empty()) return why;
  }
  return why;
}

std::string check_dicts(const json::value& value, const json::array& possible) {
  std::string why = "list_dict_checker:unclear";
  const json::array& dicts = value.get_array();
  for (const json::value& answer : possible) {
    const json::array none, &wanted = answer.is_array() ? answer.get_array() : none;
    if (wanted.size() != dicts.size()) {
      why = "value_error:list_dict_count";
      continue;
    }
    why.clear();
    for (size_t i = 0; i < dicts.size() && why.empty(); ++i) why = check_dict(dicts[i], {wanted[i]});
    if (why.empty()) return why;
  }
  return why;
}

/// Only where the type check went well.
std::string check_value(const json::value& value, const json::array& possible, Type expected,
                        std::optional<Type> element, bool is_variable) {
  if (!is_variable) {
    if (expected == Type::kDict) return check_dict(value, possible);
    if (expected == Type::kList && element == Type::kDict) return check_dicts(value, possible);
    if (expected == Type::kString) return check_text(value, possible);
    if (expected == Type::kList) return check_list(value, possible);
  }
  return is_among(value, possible) ? "" : "value_error:others";
}

std::string check_parameter(json::value value, const json::value& definition, const json::value& answers,
                            BfclLanguage language) {
  const json::array single = {answers}, &possible = answers.is_array() ? answers.get_array() : single;
  const std::string type = string_or(definition, "type", "any");
  const Type expected = type_named(type);
  std::optional<Type> element;
  std::string element_name;
  if (has_elements(type, language)) {
    const json::value* items = find_member(definition, "items");
    element_name = items == nullptr ? "" : string_or(*items, "type", "any");
    if (!element_name.empty()) element = type_named(element_name);
  }
  if (language != BfclLanguage::kPython) {
    if (!value.is_string()) return language == BfclLanguage::kJava ? "type_error:java" : "type_error:js";
    const std::string text(value.get_string());
    value = language == BfclLanguage::kJava ? java_value(text, type, element_name)
                                            : javascript_value(text, type, element_name);
  } else if (type == "float" && type_of(value) == Type::kInteger) {
    value = value.to_number<double>();
  }
  const TypeCheck check = check_type(value, possible, expected, element);
  if (!check.is_right) return check.why;
  return check_value(value, possible, expected, element, check.is_variable);
}

const json::value* find_function(const json::array& functions, std::string_view name) {
  const auto found = std::find_if(functions.begin(), functions.end(),
                                  [&](const json::value& entry) { return string_or(entry, "name", "") == name; });
  return found == functions.end() ? nullptr : &*found;
}

/// "" where the call is right.
std::string check_call(const json::value* function, const AgentCall& call, const json::value& answer,
                       BfclLanguage language) {
  if (function == nullptr || !answer.is_object() || answer.get_object().empty()) {
    return "simple_function_checker:unclear";
  }
  if (call.name != bfcl_tool_name(string_or(*function, "name", ""))) return "simple_function_checker:wrong_func_name";
  const json::value& possible = answer.get_object().begin()->value();
  const json::value* parameters = find_member(*function, "parameters");
  const json::value* details = parameters == nullptr ? nullptr : find_member(*parameters, "properties");
  const json::value* required = parameters == nullptr ? nullptr : find_member(*parameters, "required");
  if (required != nullptr && required->is_array()) {
    for (const json::value& name : required->get_array()) {
      if (!name.is_string() || call.arguments.if_contains(name.get_string()) == nullptr) {
        return "simple_function_checker:missing_required";
      }
    }
  }
  for (const auto& argument : call.arguments) {
    const json::value* detail = details == nullptr ? nullptr : find_member(*details, argument.key());
    const json::value* answers = find_member(possible, argument.key());
    if (detail == nullptr || answers == nullptr) return "simple_function_checker:unexpected_param";
    const std::string why = check_parameter(argument.value(), *detail, *answers, language);
    if (!why.empty()) return why;
  }
  if (!possible.is_object()) return "";
  for (const auto& member : possible.get_object()) {
    if (call.arguments.if_contains(member.key()) == nullptr && !may_be_absent(member.value())) {
      return "simple_function_checker:missing_optional";
    }
  }
  return "";
}

std::string name_of(const json::value& answer) {
  if (!answer.is_object() || answer.get_object().empty()) return "";
  return std::string(answer.get_object().begin()->key());
}

std::string check_calls(const BfclCase& question, const std::vector<AgentCall>& calls, BfclLanguage language) {
  if (calls.size() != question.answers.size()) return "parallel_function_checker_no_order:wrong_count";
  std::vector<bool> is_taken(calls.size());
  for (const json::value& answer : question.answers) {
    const json::value* function = find_function(question.functions, name_of(answer));
    bool is_found = false;
    for (size_t i = 0; i < calls.size() && !is_found; ++i) {
      if (is_taken[i] || !check_call(function, calls[i], answer, language).empty()) continue;
      is_taken[i] = is_found = true;
    }
    if (!is_found) return "parallel_function_checker_no_order:cannot_find_match";
  }
  return "";
}

std::string why_wrong(const BfclCategory& category, const BfclCase& question, const std::vector<AgentCall>& calls) {
  switch (category.kind) {
    case BfclKind::kNoCall:
      return calls.empty() ? "" : "irrelevance_error:decoder_success";
    case BfclKind::kSomeCall:
      return calls.empty() ? "relevance_error:decoder_failed" : "";
    case BfclKind::kCalls:
      return check_calls(question, calls, category.language);
    case BfclKind::kOneOfMany:
      if (calls.size() != question.answers.size()) return "multiple_function_checker:wrong_count";
      return check_call(find_function(question.functions, name_of(question.answers[0])), calls[0], question.answers[0],
                        category.language);
    case BfclKind::kOneCall:
      if (calls.size() != 1) return "simple_function_checker:wrong_count";
      return check_call(question.functions.empty() ? nullptr : &question.functions[0], calls[0], question.answers[0],
                        category.language);
  }
  return "";
}

}  // namespace

BfclVerdict check_bfcl(const BfclCategory& category, const BfclCase& question, const std::vector<AgentCall>& calls) {
  std::string why = why_wrong(category, question, calls);
  return {why.empty(), std::move(why)};
}

}  // namespace ondol
