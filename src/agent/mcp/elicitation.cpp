#include "agent/mcp/elicitation.h"

#include <utility>

#include <fmt/format.h>

#include "agent/schema_check.h"

namespace ondol::mcp {
namespace {

json::object form(std::string_view question, json::object field, std::string_view name) {
  json::object properties;
  properties[name] = std::move(field);
  return {{"message", question},
          {"requestedSchema", json::object{{"type", "object"},
                                           {"properties", std::move(properties)},
                                           {"required", json::array{json::string(name)}}}}};
}

Result<void> check_elicited(const json::object& params, const json::value& answer) {
  const std::string action = string_or(answer, "action", "");
  if (action != "accept" && action != "decline" && action != "cancel")
    return Error("'action' must be accept, decline or cancel");
  const json::value* schema = params.if_contains("requestedSchema");
  if (action != "accept" || schema == nullptr) return {};
  const json::value* content = find_member(answer, "content");
  if (content == nullptr || !content->is_object()) return Error("'content' must be an object");
  return check_against_schema(*schema, *content).in("content");
}

}  // namespace

json::object with_defaults(const json::value& requested_schema, json::object content) {
  const json::value* properties = find_member(requested_schema, "properties");
  if (properties == nullptr || !properties->is_object()) return content;
  for (const auto& [name, field] : properties->get_object()) {
    const json::value* fallback = find_member(field, "default");
    if (fallback != nullptr && !content.contains(name)) content[name] = *fallback;
  }
  return content;
}

Result<void> check_answer(std::string_view method, const json::object& params, const json::value& answer) {
  if (!answer.is_object()) return Error("expected an object");
  if (method == "elicitation/create") return check_elicited(params, answer);
  if (method == "roots/list") {
    const json::value* roots = find_member(answer, "roots");
    return roots != nullptr && roots->is_array() ? Result<void>() : Error("'roots' must be an array");
  }
  const json::value* content = find_member(answer, "content");
  if (content == nullptr || (!content->is_object() && !content->is_array())) return Error("'content' is missing");
  return string_or(answer, "role", "").empty() ? Error("'role' is missing") : Result<void>();
}

Result<std::string> ask_for_text(Call& call, std::string_view key, std::string_view question) {
  const json::object answer = ONDOL_TRY(
      call.ask(key, "elicitation/create", form(question, {{"type", "string"}, {"title", "Answer"}}, "answer")));
  if (string_or(answer, "action", "") != "accept") return Error("the person would not answer");
  return string_or(answer.at("content"), "answer", "");
}

Result<bool> ask_for_consent(Call& call, std::string_view key, std::string_view question) {
  const json::object answer = ONDOL_TRY(
      call.ask(key, "elicitation/create", form(question, {{"type", "boolean"}, {"title", "Allow it"}}, "allow")));
  return string_or(answer, "action", "") == "accept" && bool_or(answer.at("content"), "allow", false);
}

}  // namespace ondol::mcp
