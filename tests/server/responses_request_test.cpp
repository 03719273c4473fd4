// What the body of POST /v1/responses means, and what is refused.
#include <regex>

#include <gtest/gtest.h>

#include "server/responses_lark.h"
#include "server/responses_prompt.h"
#include "server/responses_request.h"

namespace ondol::server {
namespace {

ResponseRequest read(const std::string& text, RequestFault& fault, const FindItem& find = {}) {
  const json::value body = parse_json(text).value();
  return read_response_request(Fields(body.as_object(), fault), find);
}

ResponseRequest accepted(const std::string& text) {
  RequestFault fault;
  ResponseRequest request = read(text, fault);
  EXPECT_FALSE(fault) << fault.error().message;
  return request;
}

HttpError refused(const std::string& text) {
  RequestFault fault;
  read(text, fault);
  EXPECT_TRUE(fault) << text;
  return fault ? fault.error() : HttpError();
}

std::string input_error(const std::string& item) {
  const HttpError error = refused("{\"input\": [" + item + "]}");
  EXPECT_EQ(error.status, 400);
  EXPECT_TRUE(error.parameter.starts_with("input[0]")) << error.parameter;
  return error.message;
}

TEST(ResponseRequest, ItemsBecomeMessages) {
  const auto request = accepted(R"({"instructions": "Be kind.", "input": [
    {"role": "user", "content": "Hi"},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "short"}],
     "content": [{"type": "reasoning_text", "text": "long"}], "encrypted_content": "?"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
    {"type": "function_call", "call_id": "c1", "namespace": "crm", "name": "find", "arguments": "{\"who\": \"Ann\"}"},
    {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "x"},
    {"type": "function_call_output", "call_id": "c1", "output": "there"},
    {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "done"}]},
    {"role": "user", "content": [{"type": "input_text", "text": "And?"},
     {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,7JWI64WV"}]}]})");
  const json::array messages = messages_of_items(request.instructions, request.input);
  const json::value expected = parse_json(R"([
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "I look.", "reasoning_content": "long", "tool_calls": [
      {"id": "c1", "type": "function", "function": {"name": "crm__find", "arguments": {"who": "Ann"}}},
      {"id": "c2", "type": "function", "function": {"name": "patch", "arguments": {"input": "x"}}}]},
    {"role": "tool", "content": "there", "tool_call_id": "c1", "name": "crm__find"},
    {"role": "tool", "content": "done", "tool_call_id": "c2", "name": "patch"},
    {"role": "user", "content": "And?\nFile: a.txt\n\n\uc548\ub155"}])")
                                   .value();
  EXPECT_EQ(json::value(messages), expected) << json::serialize(messages);
  for (const ResponseItemPtr& item : request.input) EXPECT_FALSE(string_or(item->value, "id", "").empty());
}

TEST(ResponseRequest, WhatModelsCannotTakeIsRefusedByName) {
  EXPECT_NE(
      input_error(R"({"role": "user", "content": [{"type": "input_image", "image_url": "x"}]})").find("input_image"),
      std::string::npos);
  EXPECT_NE(input_error(R"({"type": "web_search_call", "id": "ws_1"})").find("web_search_call"), std::string::npos);
  EXPECT_NE(input_error(R"({"type": "local_shell_call", "id": "l"})").find("local_shell_call"), std::string::npos);
  EXPECT_NE(input_error(R"({"type": "computer_call_output", "call_id": "l"})").find("computer_call_output"),
            std::string::npos);
  EXPECT_NE(input_error(R"({"role": "user", "content": [{"type": "input_file", "file_id": "f"}]})").find("file_id"),
            std::string::npos);
  EXPECT_NE(input_error(R"({"role": "user", "content": [{"type": "input_file", "filename": "a.pdf",
                            "file_data": "data:application/pdf;base64,AAAA"}]})")
                .find("application/pdf"),
            std::string::npos);
  EXPECT_NE(input_error(R"({"type": "item_reference", "id": "msg_none"})").find("msg_none"), std::string::npos);
  EXPECT_NE(input_error(R"({"role": "robot", "content": "x"})").find("robot"), std::string::npos);
  EXPECT_EQ(refused(R"({"input": 3})").parameter, "input");
  EXPECT_EQ(refused(R"({})").parameter, "input");
  EXPECT_EQ(refused(R"({"input": "x", "conversation": "conv_1"})").parameter, "conversation");
  EXPECT_EQ(refused(R"({"input": "x", "background": true, "store": false})").parameter, "background");
  EXPECT_EQ(refused(R"({"input": "x", "reasoning": {"effort": "huge"}})").parameter, "reasoning.effort");
  EXPECT_EQ(refused(R"({"input": "x", "text": {"format": {"type": "json_schema", "name": "a"}}})").parameter,
            "text.format.schema");
}

constexpr const char* kTools = R"("tools": [
  {"type": "function", "name": "now", "parameters": {"type": "object", "properties": {}}},
  {"type": "web_search"},
  {"type": "custom", "name": "patch", "description": "Edit", "format": {"type": "grammar", "syntax": "regex",
   "definition": "[a-z]+"}},
  {"type": "namespace", "name": "crm", "description": "Customers", "tools": [
    {"type": "function", "name": "find", "parameters": {"type": "object"}}]}])";

std::string with_tools(const std::string& more) {
  return std::string(R"({"input": "x", )") + kTools + more + "}";
}

std::vector<std::string> names_of(const ResponseRequest& request) {
  std::vector<std::string> names;
  for (const ToolDefinition& tool : request.chat.tools) names.push_back(tool.name);
  return names;
}

TEST(ResponseRequest, ToolsOfAllKinds) {
  const auto request = accepted(with_tools(""));
  EXPECT_EQ(names_of(request), (std::vector<std::string>{"now", "patch", "crm__find"}));
  EXPECT_EQ(request.tools.ignored, std::vector<std::string>{"web_search"});
  EXPECT_EQ(request.chat.tools[1].parameters.at("properties").at("input").at("pattern"), "^(?:[a-z]+)$");
  EXPECT_TRUE(request.tools.by_name.at("patch").is_custom);
  EXPECT_EQ(request.tools.by_name.at("crm__find").space, "crm");
  EXPECT_EQ(request.echo.at("tools").as_array().size(), 4u);
  EXPECT_EQ(request.echo.at("tools").at(0).at("strict"), false);
}

TEST(ResponseRequest, ToolChoice) {
  EXPECT_EQ(accepted(with_tools(R"(, "tool_choice": "required")")).chat.tool_choice, ToolChoice::kRequired);
  EXPECT_EQ(accepted(with_tools(R"(, "tool_choice": {"type": "function", "name": "find"})")).chat.tool_name,
            "crm__find");
  EXPECT_EQ(accepted(with_tools(R"(, "tool_choice": {"type": "custom", "name": "patch"})")).chat.tool_name, "patch");
  const auto some = accepted(with_tools(R"(, "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [
    {"type": "function", "name": "now"}, {"type": "web_search"}]})"));
  EXPECT_EQ(names_of(some), std::vector<std::string>{"now"});
  EXPECT_EQ(some.chat.tool_choice, ToolChoice::kRequired);
  EXPECT_EQ(refused(with_tools(R"(, "tool_choice": {"type": "web_search"})")).parameter, "tool_choice.type");
  EXPECT_EQ(refused(with_tools(R"(, "tool_choice": {"type": "function", "name": "no"})")).parameter,
            "tool_choice.name");
  EXPECT_EQ(refused(R"({"input": "x", "tools": [{"type": "web_search"}]})").parameter, "tools");
  EXPECT_EQ(refused(R"({"input": "x", "tool_choice": "required"})").parameter, "tool_choice");
  EXPECT_EQ(refused(R"({"input": "x", "tools": [{"type": "function", "name": "a"}, {"type": "custom", "name": "a"}]})")
                .parameter,
            "tools[1].name");
}

TEST(ResponseRequest, TheOldestExchangesAreDropped) {
  const auto request = accepted(R"({"input": [
    {"role": "developer", "content": "rule"}, {"role": "user", "content": "1"},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "r"}, {"role": "assistant", "content": "1!"},
    {"role": "user", "content": "2"}, {"role": "assistant", "content": "2!"}, {"role": "user", "content": "3"}]})");
  const auto keep = [&](size_t most) {
    return newest_items(request.input, [&](const ResponseItems& some) { return some.size() <= most; });
  };
  EXPECT_EQ(keep(8).size(), 8u);
  EXPECT_EQ(keep(7).size(), 4u);
  EXPECT_EQ(keep(5).size(), 4u);
  EXPECT_EQ(keep(5)[0]->text, "rule");
  EXPECT_EQ(keep(5)[1]->text, "2");
  EXPECT_EQ(keep(3).size(), 2u);
  EXPECT_EQ(keep(0).size(), 2u);  // the last exchange stays
}

bool lark_matches(const char* grammar, const std::string& text) {
  const auto pattern = regex_of_lark(grammar);
  EXPECT_TRUE(pattern) << pattern.error().message();
  return pattern && std::regex_match(text, std::regex(*pattern));
}

constexpr const char* kPatchGrammar = R"(
start: begin_patch hunk+ end_patch
begin_patch: "*** Begin Patch" LF
end_patch: "*** End Patch" LF?
// What may be in it.
hunk: add_hunk
    | delete_hunk
    | "*** Move" (" a" | " b")~1..2 [LF] -> moved
add_hunk.2: "*** Add File: " filename LF add_line+
delete_hunk: "*** Delete File: " filename LF
filename: /(.+)/
add_line: "+" /(.*)/ LF -> line
%import common.LF
)";

TEST(ResponseLark, GrammarsWithoutRecursionAreRegularExpressions) {
  EXPECT_TRUE(lark_matches(kPatchGrammar, "*** Begin Patch\n*** Add File: a.c\n+x\n+\n*** End Patch"));
  EXPECT_TRUE(lark_matches(kPatchGrammar, "*** Begin Patch\n*** Delete File: a\n*** Move a b\n*** End Patch\n"));
  EXPECT_FALSE(lark_matches(kPatchGrammar, "*** Begin Patch\n*** End Patch"));
  EXPECT_FALSE(lark_matches(kPatchGrammar, "*** Begin Patch\n*** Add File: a.c\n*** End Patch"));
  EXPECT_FALSE(lark_matches(kPatchGrammar, "*** Begin Patch\n*** Move a b a\n*** End Patch"));
  EXPECT_TRUE(lark_matches("start: NUMBER (\"+\" NUMBER)*\n%import common.NUMBER", "1+2.5+3e4"));
  EXPECT_TRUE(lark_matches("start: \"a\"..\"f\" INT\n%import common (INT, WS)", "c12"));
}

TEST(ResponseLark, RefusesTheRestByName) {
  const auto error = [](const std::string& grammar) {
    const auto pattern = regex_of_lark(grammar);
    return pattern ? "accepted: " + *pattern : pattern.error().message();
  };
  EXPECT_NE(error("start: \"(\" start? \")\"").find("contains itself"), std::string::npos);
  EXPECT_NE(error("start: other").find("no rule 'other'"), std::string::npos);
  EXPECT_NE(error("start: \"a\"i").find("flag"), std::string::npos);
  EXPECT_NE(error("start: \"a\"\n%ignore \" \"").find("%import"), std::string::npos);
  EXPECT_NE(error("start: (\"a\"").find("closing"), std::string::npos);
  EXPECT_NE(error("start: \"a").find("closing"), std::string::npos);
  EXPECT_NE(error("start: \"a\"~x").find("count"), std::string::npos);
  EXPECT_NE(error("").find("no rule 'start'"), std::string::npos);
  // Doubled forty times.
  std::string bomb = "start: a0\n";
  for (int i = 0; i < 40; ++i)
    bomb += "a" + std::to_string(i) + ": a" + std::to_string(i + 1) + " a" + std::to_string(i + 1) + "\n";
  EXPECT_NE(error(bomb + "a40: \"x\"\n").find("too large"), std::string::npos);
}

}  // namespace
}  // namespace ondol::server
