#include "server/chat_messages.h"

#include <fmt/format.h>

namespace ondol::server {
namespace {

std::string text_of_part(const Fields& part) {
  const std::string type = part.required_text("type");
  if (type == "refusal") return part.required_text("refusal");
  if (type == "text" || type == "input_text" || type == "output_text") return part.required_text("text");
  if (!part.fault()) {
    part.fail("type",
              fmt::format("{}: expected text, got '{}': the models here read text only", part.path_of("type"), type),
              "unsupported_content");
  }
  return "";
}

}  // namespace

std::string text_of_content(const Fields& message, std::string_view key) {
  const json::value* content = message.find(key);
  if (content == nullptr) return "";
  if (content->is_string()) return std::string(content->get_string());
  if (!content->is_array()) {
    message.fail(key, fmt::format("{}: expected a string or an array of parts, got {}", message.path_of(key),
                                  kind_name(*content)));
    return "";
  }
  std::string text;
  size_t i = 0;
  for (const json::value& part : content->get_array()) {
    const std::string place = fmt::format("{}[{}]", key, i++);
    if (!part.is_object()) {
      message.fail(place, fmt::format("{}: expected an object, got {}", message.path_of(place), kind_name(part)));
      return "";
    }
    if (i > 1) text += "\n";
    text += text_of_part(Fields(part.get_object(), message.fault(), message.path_of(place)));
  }
  return text;
}

json::value call_arguments(const json::value& arguments) {
  if (arguments.is_object()) return arguments;
  if (arguments.is_null()) return json::object();
  if (!arguments.is_string()) return json::object{{"arguments", arguments}};
  const auto& text = arguments.get_string();
  if (text.empty()) return json::object();
  auto parsed = parse_json(text);
  if (parsed && parsed->is_object()) return std::move(*parsed);
  return json::object{{"arguments", text}};
}

}  // namespace ondol::server
