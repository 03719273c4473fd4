#include "tests/agent/mcp/conformance_asking_tools.h"

#include <fmt/format.h>

#include "tests/agent/mcp/conformance_samples.h"

namespace ondol::mcp {
namespace {

json::object sampling_of(const std::string& text, int max_tokens) {
  return {{"messages",
           json::array{json::object{{"role", "user"}, {"content", json::object{{"type", "text"}, {"text", text}}}}}},
          {"maxTokens", max_tokens}};
}

Reply failed(const Error& error) {
  return text_result(error.message(), true);
}

/// Asks one question and tells the answer.
OfferedTool asking_tool(const char* name, const char* key, const char* method, json::object params,
                        std::string_view prefix) {
  return plain_tool(name, [=, prefix = std::string(prefix)](const json::object&, Call& call) -> Reply {
    const auto answer = call.ask(key, method, params);
    if (!answer) return failed(answer.error());
    return text_result(prefix + json_text(*answer));
  });
}

json::object defaults_form() {
  return {{"message", "Please review and update the form fields with defaults"},
          {"requestedSchema", *parse_json(R"({"type": "object", "properties": {
            "name": {"type": "string", "default": "John Doe"}, "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": true}}, "required": []})")}};
}

json::object enums_form() {
  return {{"message", "Please select options from the enum fields"},
          {"requestedSchema", *parse_json(R"({"type": "object", "properties": {
            "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
            "titledSingle": {"type": "string", "oneOf": [{"const": "value1", "title": "First Option"},
              {"const": "value2", "title": "Second Option"}, {"const": "value3", "title": "Third Option"}]},
            "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
              "enumNames": ["Option One", "Option Two", "Option Three"]},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
            "titledMulti": {"type": "array", "items": {"anyOf": [{"const": "value1", "title": "First Choice"},
              {"const": "value2", "title": "Second Choice"}, {"const": "value3", "title": "Third Choice"}]}}},
            "required": []})")}};
}

Reply elicit(const json::object& arguments, Call& call) {
  const json::value schema = *parse_json(R"({"type": "object", "properties": {
    "username": {"type": "string", "description": "User's response"},
    "email": {"type": "string", "description": "User's email address"}}, "required": ["username", "email"]})");
  const auto answer = call.ask("user", "elicitation/create",
                               {{"message", string_or(arguments, "message", "")}, {"requestedSchema", schema}});
  if (!answer) return failed(answer.error());
  return text_result("User response: " + json_text(*answer));
}

Reply sample(const json::object& arguments, Call& call) {
  const auto answer = call.ask("text", "sampling/createMessage", sampling_of(string_or(arguments, "prompt", ""), 100));
  if (!answer) return failed(answer.error());
  return text_result("LLM response: " + string_or(answer->at("content"), "text", ""));
}

Reply greet(const json::object&, Call& call) {
  const auto answer = call.ask("user_name", "elicitation/create", form_of("What is your name?", "name", "string"));
  if (!answer) return failed(answer.error());
  return text_result(fmt::format("Hello, {}!", string_or(answer->at("content"), "name", "")));
}

Reply ask_three(const json::object&, Call& call) {
  const auto name = call.ask("user_name", "elicitation/create", form_of("What is your name?", "name", "string"));
  const auto greeting = call.ask("greeting", "sampling/createMessage", sampling_of("Generate a greeting", 50));
  const auto roots = call.ask("client_roots", "roots/list", {});
  if (!name || !greeting || !roots) return text_result("something is missing", true);
  return text_result("All three have answers.");
}

Reply ask_twice(const json::object&, Call& call) {
  const auto name = call.ask("step1", "elicitation/create", form_of("Step 1: What is your name?", "name", "string"));
  if (!name) return failed(name.error());
  const auto color =
      call.ask("step2", "elicitation/create", form_of("Step 2: What is your favorite color?", "color", "string"));
  if (!color) return failed(color.error());
  return text_result(fmt::format("{} likes {}", string_or(name->at("content"), "name", ""),
                                 string_or(color->at("content"), "color", "")));
}

Reply ask_what_is_possible(const json::object&, Call& call) {
  if (call.client_can("sampling")) (void)call.ask("text", "sampling/createMessage", sampling_of("Say something", 50));
  if (call.client_can("elicitation"))
    (void)call.ask("name", "elicitation/create", form_of("What is your name?", "name", "string"));
  return text_result("done");
}

OfferedTool with_argument(OfferedTool tool, const char* argument) {
  json::object properties;
  properties[argument] = json::object{{"type", "string"}};
  tool.listing["inputSchema"] =
      json::object{{"type", "object"}, {"properties", std::move(properties)}, {"required", json::array{argument}}};
  return tool;
}

}  // namespace

void add_asking_tools(Catalog& catalog) {
  constexpr const char* kElicit = "elicitation/create";
  catalog.add(with_argument(plain_tool("test_sampling", sample), "prompt"));
  catalog.add(with_argument(plain_tool("test_elicitation", elicit), "message"));
  catalog.add(
      asking_tool("test_elicitation_sep1034_defaults", "form", kElicit, defaults_form(), "Elicitation completed: "));
  catalog.add(asking_tool("test_elicitation_sep1330_enums", "form", kElicit, enums_form(), "Elicitation completed: "));
  catalog.add(asking_tool("test_missing_capability", "text", "sampling/createMessage", sampling_of("Hello", 10), ""));
  catalog.add(asking_tool("test_streaming_elicitation", "name", kElicit, form_of("Your name?", "name", "string"), ""));
  catalog.add(plain_tool("test_input_required_result_elicitation", greet));
  catalog.add(asking_tool("test_input_required_result_sampling", "capital_question", "sampling/createMessage",
                          sampling_of("What is the capital of France?", 100), ""));
  catalog.add(asking_tool("test_input_required_result_list_roots", "client_roots", "roots/list", {}, ""));
  const json::object confirm = form_of("Please confirm", "ok", "boolean");
  catalog.add(asking_tool("test_input_required_result_request_state", "confirm", kElicit, confirm, "state-ok: "));
  catalog.add(asking_tool("test_input_required_result_tampered_state", "confirm", kElicit, confirm, "state-ok: "));
  catalog.add(plain_tool("test_input_required_result_multiple_inputs", ask_three));
  catalog.add(plain_tool("test_input_required_result_multi_round", ask_twice));
  catalog.add(plain_tool("test_input_required_result_capabilities", ask_what_is_possible));
}

}  // namespace ondol::mcp
