#include "models/pretty_json.h"

#include <fmt/format.h>

namespace ondol {
namespace {

void print(const json::value& value, size_t depth, std::string& out) {
  const std::string margin(2 * depth, ' ');
  if (const json::object* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    size_t left = object->size();
    for (const auto& [key, member] : *object) {
      out += fmt::format("{}  {}: ", margin, json::serialize(json::string(key)));
      print(member, depth + 1, out);
      out += --left > 0 ? ",\n" : "\n";
    }
    out += margin + "}";
  } else if (const json::array* array = value.if_array(); array != nullptr && !array->empty()) {
    const bool flat = array->front().is_primitive();
    out += flat ? "[" : "[\n";
    size_t left = array->size();
    for (const json::value& element : *array) {
      if (!flat) out += margin + "  ";
      print(element, depth + 1, out);
      if (--left > 0) out += flat ? ", " : ",";
      if (!flat) out += "\n";
    }
    out += flat ? "]" : margin + "]";
  } else if (const double* number = value.if_double()) {
    const std::string text = fmt::format("{}", *number);
    out += text;
    if (text.find_first_of(".en") == std::string::npos) out += ".0";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string pretty_json(const json::value& value) {
  std::string out;
  print(value, 0, out);
  return out + "\n";
}

}  // namespace ondol
