#include "agent/bfcl/source_values.h"

#include <charconv>
#include <optional>
#include <regex>
#include <vector>

namespace ondol {
namespace {

/// Longer texts stay texts: the engine of regular expressions recurses.
constexpr size_t kLongest = 4000;

std::string stripped(std::string_view text, std::string_view characters = " \t\r\n\f\v") {
  const size_t begin = text.find_first_not_of(characters);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(characters) - begin + 1));
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  size_t at = 0;
  while (true) {
    const size_t comma = text.find(',', at);
    parts.push_back(stripped(std::string_view(text).substr(at, comma == std::string::npos ? comma : comma - at)));
    if (comma == std::string::npos) return parts;
    at = comma + 1;
  }
}

bool matches(const std::string& text, const char* pattern) {
  return std::regex_match(text, std::regex(pattern));
}

std::string without_ends(const std::string& text) {
  return text.size() < 2 ? "" : text.substr(1, text.size() - 2);
}

template <typename T>
std::optional<T> number(std::string text) {
  text = stripped(text);
  if (text.starts_with('+')) text.erase(0, 1);
  T value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || text.empty()) return {};
  return value;
}

json::value integer_or_text(const std::string& digits, const std::string& text) {
  const auto value = number<int64_t>(digits);
  return value ? json::value(*value) : json::value(text);
}

json::value real_or_text(const std::string& digits, const std::string& text) {
  const auto value = number<double>(digits);
  return value ? json::value(*value) : json::value(text);
}

/// A number of whatever kind, or the text.
json::value loose_number(const std::string& text) {
  if (const auto value = number<int64_t>(text)) return *value;
  return real_or_text(text, text);
}

/// Without a type to go by.
json::value loose_java_value(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  if (text.starts_with('"') && text.ends_with('"')) return json::value(without_ends(text));
  if (matches(text, R"(-?\d+[lL])")) return integer_or_text(text.substr(0, text.size() - 1), text);
  if (matches(text, R"(-?\d+(\.\d+)?([eE][+-]?\d+)?[fF])")) return real_or_text(text.substr(0, text.size() - 1), text);
  return loose_number(text);
}

json::value java_element(const std::string& text, std::string_view element) {
  if (element == "char" || element == "String") return json::value(without_ends(text));
  return element.empty() ? loose_java_value(text) : java_value(text, element, "");
}

json::value java_list(const std::string& text, std::string_view element) {
  json::array items;
  std::smatch found;
  if (std::regex_search(text, found, std::regex(R"(new\s+ArrayList<\w*>\(Arrays\.asList\((.+?)\)\))"))) {
    for (const std::string& part : split(found[1])) items.push_back(java_element(part, element));
    return items;
  }
  if (std::regex_search(text, found, std::regex(R"(new\s+ArrayList<\w*>\(\)\s*\{\{\s*([\s\S]+?)\s*\}\})"))) {
    const std::string adds = found[1];
    const std::regex add(R"(add\((.+?)\))");
    for (std::sregex_iterator at(adds.begin(), adds.end(), add), end; at != end; ++at) {
      items.push_back(java_element(stripped((*at)[1].str()), element));
    }
    return items;
  }
  if (std::regex_search(text, std::regex(R"(new\s+ArrayList<\w*>\(\))"))) return items;
  return json::value(text);
}

json::value java_array(const std::string& text, std::string_view element) {
  std::smatch found;
  if (!std::regex_search(text, found, std::regex(R"(new\s+\w+\[\]\s*\{(.*?)\})"))) return json::value(text);
  json::array items;
  for (const std::string& part : split(found[1])) {
    if (part.empty()) continue;
    items.push_back(element.empty() ? loose_java_value(part) : java_value(part, element, ""));
  }
  return items;
}

json::value java_map(const std::string& text) {
  std::smatch found;
  json::object members;
  const std::regex filled(R"(new\s+HashMap<.*?>\s*\(\)\s*\{\s*\{?\s*([\s\S]*?)\s*\}?\s*\})");
  if (std::regex_search(text, found, filled)) {
    const std::string puts = found[1];
    const std::regex put(R"re(put\("(.*?)",\s*(.*?)\))re");
    for (std::sregex_iterator at(puts.begin(), puts.end(), put), end; at != end; ++at) {
      members[(*at)[1].str()] = loose_java_value(stripped((*at)[2].str()));
    }
    return members;
  }
  if (std::regex_search(text, std::regex(R"(new\s+HashMap<.*?>\s*\(\))"))) return members;
  return json::value(text);
}

bool is_quoted(const std::string& text) {
  return (text.starts_with('"') && text.ends_with('"')) || (text.starts_with('\'') && text.ends_with('\''));
}

json::value loose_javascript_value(const std::string& given) {
  const std::string text = stripped(given);
  if (text == "true" || text == "false") return text == "true";
  if (is_quoted(text)) return json::value(without_ends(text));
  return loose_number(text);
}

json::value table(const std::string& text) {
  json::array rows;
  const std::regex row(R"(\[(.*?)\])");
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at) {
    std::string inner = stripped((*at)[1].str());
    if (rows.empty() && inner.starts_with('[')) inner.erase(0, 1);
    json::array items;
    for (const std::string& part : split(inner)) items.push_back(loose_javascript_value(part));
    rows.push_back(std::move(items));
  }
  return rows;
}

json::value javascript_array(const std::string& given, std::string_view element) {
  const std::string text = stripped(given);
  std::smatch found;
  const auto first = std::regex_constants::match_continuous;
  static const std::regex kTable(
      R"(\[\s*\[.*?\]\s*(,\s*\[.*?\]\s*)*\]|\bnew\s+Array\(\s*\[.*?\]\s*(,\s*\[.*?\]\s*)*\))");
  static const std::regex kList(R"(\[(.*?)\]|\bnew\s+Array\((.*?)\))");
  if (std::regex_search(text, found, kTable, first)) return table(found[0]);
  if (!std::regex_search(text, found, kList, first)) return json::value(text);
  const std::string inside = stripped(found[1].matched ? found[1].str() : found[2].str());
  json::array items;
  if (inside.empty()) return items;
  for (const std::string& part : split(inside)) {
    items.push_back(element.empty() ? loose_javascript_value(part) : javascript_value(part, element, ""));
  }
  return items;
}

json::value javascript_object(const std::string& given) {
  const std::string text = stripped(given);
  json::object members;
  if (text == "{}") return members;
  std::smatch found;
  static const std::regex kObject(R"(\{(.*?)\})");
  if (!std::regex_search(text, found, kObject, std::regex_constants::match_continuous)) return json::value(text);
  const std::string content = found[1];
  static const std::regex kMember(R"(([^:]+):\s*(.*?)(?:,\s*(?=[^,]+:)|$))");
  for (std::sregex_iterator at(content.begin(), content.end(), kMember), end; at != end; ++at) {
    const std::string key = stripped(stripped((*at)[1].str()), "'\""), value = stripped((*at)[2].str());
    if (value.starts_with('[') && value.ends_with(']')) {
      members[key] = javascript_array(value, "");
    } else if (value.starts_with('{') && value.ends_with('}')) {
      members[key] = javascript_object(value);
    } else {
      members[key] = loose_javascript_value(stripped(value, "'\""));
    }
  }
  return members;
}

}  // namespace

json::value java_value(const std::string& text, std::string_view type, std::string_view element) {
  if (text.size() > kLongest) return json::value(text);
  if (type == "byte" || type == "short" || type == "integer") {
    return matches(text, R"(-?\d+)") ? integer_or_text(text, text) : json::value(text);
  }
  const std::string without_suffix = text.empty() ? "" : text.substr(0, text.size() - 1);
  if (type == "float" && matches(text, R"(-?\d+(\.\d+)?([eE][+-]?\d+)?[fF])")) {
    return real_or_text(without_suffix, text);
  }
  if (type == "double" && matches(text, R"(-?\d+(\.\d+)?([eE][+-]?\d+)?)")) return real_or_text(text, text);
  if (type == "long" && matches(text, R"(-?\d+[lL])")) return integer_or_text(without_suffix, text);
  if (type == "boolean" && (text == "true" || text == "false")) return text == "true";
  if (type == "ArrayList") return java_list(text, element);
  if (type == "Array") return java_array(text, element);
  if (type == "HashMap") return java_map(text);
  return json::value(text);
}

json::value javascript_value(const std::string& text, std::string_view type, std::string_view element) {
  if (text.size() > kLongest) return json::value(text);
  if (type == "String") return json::value(is_quoted(text) ? without_ends(text) : text);
  if (type == "integer" && matches(text, R"(-?\d+)")) return integer_or_text(text, text);
  if (type == "float" && matches(text, R"(-?\d+(\.\d+)?)")) return real_or_text(text, text);
  if (type == "Bigint" && matches(text, R"(-?\d+n)")) return integer_or_text(text.substr(0, text.size() - 1), text);
  if (type == "Boolean" && (text == "true" || text == "false")) return text == "true";
  if (type == "array") return javascript_array(text, element);
  if (type == "dict") return javascript_object(text);
  return json::value(text);
}

}  // namespace ondol
