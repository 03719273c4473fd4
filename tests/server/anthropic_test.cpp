#include "server/anthropic.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "api_client.h"
#include "server/anthropic_blocks.h"
#include "thinking_sample.h"

namespace ondol::server {
namespace {

constexpr const char* kPath = "/v1/messages";

json::object message(std::string_view role, json::value content) {
  return {{"role", role}, {"content", std::move(content)}};
}

json::object request(std::string_view text, int max_tokens = 12) {
  return {{"model", "sample"},
          {"max_tokens", max_tokens},
          {"temperature", 0},
          {"messages", json::array{message("user", json::value(text))}}};
}

ApiAnswer ask(const json::object& body) {
  return shared_server().client().post(kPath, body);
}

/// The names of the events; each must be what its data call themselves.
std::vector<std::string> names_of(const ApiAnswer& answer) {
  std::vector<std::string> names;
  const auto events = answer.events();
  size_t i = 0;
  for (size_t at = answer.body.find("event: "); at != std::string::npos; at = answer.body.find("\nevent: ", at)) {
    at = answer.body.find("event: ", at) + 7;
    names.push_back(answer.body.substr(at, answer.body.find('\n', at) - at));
    if (i >= events.size()) ADD_FAILURE() << "an event without data";
    if (i < events.size()) {
      EXPECT_EQ(member(events[i], "/type"), json::value(names.back()));
    }
    ++i;
  }
  EXPECT_EQ(names.size(), events.size());
  return names;
}

/// Deltas in a row count once.
std::string order_of(const ApiAnswer& answer) {
  std::string order, last;
  for (const std::string& name : names_of(answer)) {
    if (name != last || name != "content_block_delta") order += (order.empty() ? "" : " ") + name;
    last = name;
  }
  return order;
}

json::object weather_tool() {
  const json::object city = {{"type", "string"}, {"enum", json::array{"Seoul", "Busan"}}};
  const json::object schema = {{"type", "object"},
                               {"properties", json::object{{"city", city}}},
                               {"required", json::array{"city"}},
                               {"additionalProperties", false}};
  return {{"name", "get_weather"}, {"description", "Weather"}, {"input_schema", schema}};
}

AnthropicChat read(const char* text, RequestFault& fault) {
  const json::value body = parse_json(text).value();
  return read_anthropic_chat(Fields(body.as_object(), fault), true);
}

AnthropicChat read_well(const char* text) {
  RequestFault fault;
  AnthropicChat chat = read(text, fault);
  EXPECT_FALSE(fault) << fault.error().message;
  return chat;
}

TEST(Anthropic, AnswersWhole) {
  const ApiAnswer answer = ask(request("Hello"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::value document = answer.document();
  EXPECT_EQ(member(document, "/type"), "message");
  EXPECT_EQ(member(document, "/role"), "assistant");
  EXPECT_EQ(member(document, "/model"), "sample");
  EXPECT_TRUE(string_or(document, "id", "").starts_with("msg_"));
  EXPECT_EQ(document.at("content").as_array().size(), 1u);
  EXPECT_EQ(member(document, "/content/0/type"), "text");
  EXPECT_TRUE(document.at("stop_sequence").is_null());
  EXPECT_LE(member(document, "/usage/output_tokens").to_number<int>(), 12);
  EXPECT_EQ(member(document, "/usage/cache_creation_input_tokens"), 0);
}

TEST(Anthropic, StreamsTheSameInOrder) {
  json::object body = request("Once upon a time", 24);
  const json::value whole = ask(body).document();
  body["stream"] = true;
  const ApiAnswer answer = shared_server().client().post(std::string(kPath) + "?beta=true", body);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(answer.type.starts_with("text/event-stream"));
  EXPECT_EQ(order_of(answer),
            "message_start ping content_block_start content_block_delta content_block_stop message_delta message_stop");
  const auto events = answer.events();
  EXPECT_EQ(member(events[0], "/message/content"), json::array());
  EXPECT_TRUE(member(events[0], "/message/stop_reason").is_null());
  EXPECT_GT(member(events[0], "/message/usage/input_tokens").to_number<int>(), 0);
  EXPECT_EQ(member(events[2], "/content_block"), (json::object{{"type", "text"}, {"text", ""}}));
  std::string text;
  for (const json::value& event : events) {
    if (member(event, "/delta/type") == "text_delta") text += event.at_pointer("/delta/text").as_string();
  }
  EXPECT_EQ(json::value(text), member(whole, "/content/0/text"));
  const json::value& last = events[events.size() - 2];
  EXPECT_EQ(member(last, "/delta/stop_reason"), member(whole, "/stop_reason"));
  EXPECT_EQ(member(last, "/usage/output_tokens"), member(whole, "/usage/output_tokens"));
}

TEST(Anthropic, SaysWhyAnAnswerEnded) {
  json::object body = request("Tell a story", 3);
  json::value document = ask(body).document();
  EXPECT_EQ(member(document, "/stop_reason"), "max_tokens");
  EXPECT_EQ(member(document, "/usage/output_tokens"), 3);

  body["max_tokens"] = 40;
  const std::string text(ask(body).document().at_pointer("/content/0/text").as_string());
  const size_t space = text.find(' ', 3);
  ASSERT_NE(space, std::string::npos) << text;
  const std::string word = text.substr(space, text.find(' ', space + 1) - space);
  body["stop_sequences"] = json::array{"never said", word};
  document = ask(body).document();
  EXPECT_EQ(member(document, "/stop_reason"), "stop_sequence");
  EXPECT_EQ(member(document, "/stop_sequence"), json::value(word));
  EXPECT_EQ(member(document, "/content/0/text"), json::value(text.substr(0, text.find(word))));
}

TEST(Anthropic, CallsTheToolThatItMustAndTakesTheResult) {
  json::object body = request("What is the weather in Seoul?", 100);
  const json::object search = {{"type", "web_search_20250305"}, {"name", "web_search"}};
  body["tools"] = json::array{search, weather_tool()};
  body["tool_choice"] = {{"type", "tool"}, {"name", "get_weather"}, {"disable_parallel_tool_use", true}};
  const json::value document = ask(body).document();
  ASSERT_EQ(member(document, "/stop_reason"), "tool_use") << json::serialize(document);
  ASSERT_EQ(document.at("content").as_array().size(), 1u);
  EXPECT_EQ(member(document, "/content/0/name"), "get_weather");
  const std::string city(document.at_pointer("/content/0/input/city").as_string());
  EXPECT_TRUE(city == "Seoul" || city == "Busan") << city;
  const std::string id(document.at_pointer("/content/0/id").as_string());
  EXPECT_TRUE(id.starts_with("toolu_")) << id;
  EXPECT_EQ(member(document, "/ondol/ignored_tools/0"), "web_search");
  for (const int n : {10, 15, 20, 25, 30}) {
    json::object shorter = body;
    shorter["max_tokens"] = n;
    const json::value input = member(ask(shorter).document(), "/content/0/input");
    EXPECT_TRUE(!input.is_object() || input == document.at_pointer("/content/0/input")) << "half a call: " << input;
  }

  body["stream"] = true;
  const ApiAnswer streamed = ask(body);
  EXPECT_EQ(order_of(streamed),
            "message_start ping content_block_start content_block_delta content_block_stop message_delta message_stop");
  std::string arguments;
  for (const json::value& event : streamed.events()) {
    if (member(event, "/delta/type") == "input_json_delta")
      arguments += event.at_pointer("/delta/partial_json").as_string();
  }
  EXPECT_EQ(parse_json(arguments).value(), document.at_pointer("/content/0/input"));

  body["stream"] = false;
  body["tool_choice"] = {{"type", "none"}};
  body["messages"].as_array().push_back(message("assistant", document.at("content")));
  const json::object result = {{"type", "tool_result"}, {"tool_use_id", id}, {"content", "sunny"}};
  body["messages"].as_array().push_back(message("user", json::array{result}));
  const ApiAnswer after = ask(body);
  ASSERT_EQ(after.status, 200) << after.body;
  EXPECT_NE(member(after.document(), "/stop_reason"), "tool_use");
}

TEST(Anthropic, HoldsToASchema) {
  const json::object schema = {{"type", "object"},
                               {"properties", json::object{{"yes", json::object{{"type", "boolean"}}}}},
                               {"required", json::array{"yes"}},
                               {"additionalProperties", false}};
  const json::object format = {{"type", "json_schema"}, {"schema", schema}};
  json::object body = request("Yes?", 60);
  body["output_config"] = {{"format", format}};
  const auto content = parse_json(ask(body).document().at_pointer("/content/0/text").as_string());
  ASSERT_TRUE(content.has_value());
  EXPECT_TRUE(content->at("yes").is_bool());
  body.erase("output_config");
  body["output_format"] = format;
  EXPECT_EQ(parse_json(ask(body).document().at_pointer("/content/0/text").as_string()).value(), *content);
}

TEST(Anthropic, CountsWhatARequestHas) {
  json::object body = request("How many tokens are these?", 1);
  body["system"] = json::array{
      json::object{{"type", "text"}, {"text", "Be brief."}, {"cache_control", json::object{{"type", "ephemeral"}}}}};
  const json::value usage = ask(body).document().at("usage");
  body.erase("max_tokens");
  const ApiAnswer counted = shared_server().client().post("/v1/messages/count_tokens?beta=true", body);
  ASSERT_EQ(counted.status, 200) << counted.body;
  EXPECT_EQ(counted.document().at("input_tokens").to_number<int>(),
            usage.at("input_tokens").to_number<int>() + usage.at("cache_read_input_tokens").to_number<int>());
}

TEST(Anthropic, FindsThePromptAgainThoughTheBillingLineChanges) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "the small cat sat there ";
  json::object body = request(text, 1);
  for (const char* nonce : {"abc", "xyz"}) {
    const json::object billing = {{"type", "text"},
                                  {"text", fmt::format("x-anthropic-billing-header: cc_version=2; cch={};", nonce)}};
    body["system"] = json::array{billing, json::object{{"type", "text"}, {"text", "You are helpful."}}};
    const json::value usage = ask(body).document().at("usage");
    if (nonce[0] == 'x') {
      EXPECT_GT(usage.at("cache_read_input_tokens").to_number<int>(), 100);
    }
  }
}

TEST(Anthropic, GoesOnWithAnAnswerThatWasBegun) {
  json::object body = request("Tell a story", 20);
  const std::string whole(ask(body).document().at_pointer("/content/0/text").as_string());
  const size_t cut = whole.find(' ', 4);
  ASSERT_NE(cut, std::string::npos);
  body["messages"].as_array().push_back(message("assistant", json::value(whole.substr(0, cut))));
  body["max_tokens"] = 4;
  const std::string rest(ask(body).document().at_pointer("/content/0/text").as_string());
  EXPECT_EQ(whole.substr(cut, rest.size()), rest);
}

TEST(Anthropic, ThinksForItsBudgetAndTakesItsThinkingBack) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("ondol-thinking-{}.gguf", ::getpid());
  write_thinking_sample(path.string());
  PoolOptions options = ApiServer::sample_options();
  options.models = {path.string()};
  const ApiServer server(options);
  json::object body = request("What is the weather in Seoul?", 40);
  body.erase("model");
  // What the model does after its thinking is its own affair, so it is bound.
  body["output_format"] = {{"type", "json_schema"}, {"schema", json::object{{"enum", json::array{"yes", "no"}}}}};
  body["thinking"] = {{"type", "enabled"}, {"budget_tokens", 7}};
  const json::value document = server.client().post(kPath, body).document();
  EXPECT_EQ(member(document, "/content/0/type"), "thinking") << json::serialize(document);
  EXPECT_EQ(member(document, "/content/1/type"), "text") << json::serialize(document);
  body["stream"] = true;
  const ApiAnswer streamed = server.client().post(kPath, body);
  EXPECT_EQ(order_of(streamed),
            "message_start ping content_block_start content_block_delta content_block_stop content_block_start "
            "content_block_delta content_block_stop message_delta message_stop");
  std::string order, last;
  for (const json::value& event : streamed.events()) {
    if (member(event, "/type") != "content_block_delta") continue;
    const std::string type = string_or(event.at("delta"), "type", "");
    if (type != last) order += type + " ";
    last = type;
  }
  EXPECT_EQ(order, "thinking_delta signature_delta text_delta ");

  body["stream"] = false;
  body.erase("thinking");
  body["messages"].as_array().push_back(message("assistant", document.at("content")));
  body["messages"].as_array().push_back(message("user", "And?"));
  const json::value after = server.client().post(kPath, body).document();
  EXPECT_EQ(member(after, "/content/0/type"), "text") << json::serialize(after);
  std::filesystem::remove(path);
}

struct WrongRequest {
  const char* body;
  int status;
  const char* type;
  const char* message;  // a part of it
};

TEST(Anthropic, SaysWhatIsWrong) {
  const WrongRequest wrong[] = {
      {R"({"model": "sample", "messages": [{"role": "user", "content": "a"}]})", 400, "invalid_request_error",
       "max_tokens"},
      {R"({"model": "sample", "max_tokens": 1})", 400, "invalid_request_error", "messages"},
      {R"({"model": "sample:claude", "max_tokens": 1, "messages": [{"role": "user", "content": "a"}]})", 404,
       "not_found_error", "sample"},
      {R"({"max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]})", 400,
       "invalid_request_error", "messages[0].content[0].type"},
      {R"({"max_tokens": 1, "messages": [{"role": "user", "content": "a"}], "tool_choice": {"type": "any"}})", 400,
       "invalid_request_error", "tool_choice"},
      {R"({"max_tokens": 1, "messages": [{"role": "user", "content": "a"}], "tools": [{"type": "web_search_20250305",
          "name": "web_search"}], "tool_choice": {"type": "tool", "name": "web_search"}})",
       400, "invalid_request_error", "web_search"},
      {R"({"max_tokens": 1, "messages": [{"role": "user", "content": "a"}], "tools": [{"name": "x"}]})", 400,
       "invalid_request_error", "tools[0].input_schema"},
      {R"({"max_tokens": 0, "messages": [{"role": "user", "content": "a"}]})", 400, "invalid_request_error",
       "max_tokens"},
      {"{", 400, "invalid_request_error", ""},
  };
  for (const WrongRequest& request : wrong) {
    const ApiAnswer answer = shared_server().client().ask("POST", kPath, request.body);
    EXPECT_EQ(answer.status, request.status) << request.body << answer.body;
    const json::value document = answer.document();
    EXPECT_EQ(member(document, "/type"), "error");
    EXPECT_EQ(member(document, "/error/type"), request.type) << answer.body;
    EXPECT_NE(string_or(document.at("error"), "message", "").find(request.message), std::string::npos) << answer.body;
    EXPECT_TRUE(string_or(document, "request_id", "").starts_with("req_")) << answer.body;
  }
}

TEST(AnthropicRequest, BringsBlocksIntoMessages) {
  const AnthropicChat chat = read_well(R"({"max_tokens": 9, "system": "Be kind.", "messages": [
    {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"},
      {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "Let me "}, {"type": "text", "text": "see"},
      {"type": "tool_use", "id": "toolu_a", "name": "look", "input": {"at": 1}},
      {"type": "tool_use", "id": "toolu_b", "name": "hear", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_a", "content": "seen"},
      {"type": "tool_result", "tool_use_id": "toolu_b", "is_error": true,
       "content": [{"type": "text", "text": "deaf"}]},
      {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "body"}}]}]})");
  const json::value expected = parse_json(R"([
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "one\ntwo"},
    {"role": "assistant", "content": "Let me see", "reasoning_content": "hm", "tool_calls": [
      {"id": "a", "type": "function", "function": {"name": "look", "arguments": {"at": 1}}},
      {"id": "b", "type": "function", "function": {"name": "hear", "arguments": {}}}]},
    {"role": "tool", "content": "seen", "tool_call_id": "a", "name": "look"},
    {"role": "tool", "content": "Error: deaf", "tool_call_id": "b", "name": "hear"},
    {"role": "user", "content": "<document title=\"T\">\nbody\n</document>"}])")
                                   .value();
  EXPECT_EQ(json::value(chat.chat.messages), expected) << json::serialize(chat.chat.messages);
  EXPECT_FALSE(chat.chat.continues_last);
}

TEST(AnthropicRequest, ReadsThinking) {
  constexpr const char* kBody = R"({{"max_tokens": 9, "messages": [{{"role": "user", "content": "a"}}]{}}})";
  const auto wish = [&](const char* more) { return read_well(fmt::format(kBody, more).c_str()).chat.reasoning; };
  EXPECT_EQ(wish("").is_wanted, false) << "who does not ask for it expects text first";
  EXPECT_EQ(wish(R"(, "thinking": {"type": "disabled"})").is_wanted, false);
  EXPECT_FALSE(wish(R"(, "thinking": {"type": "adaptive"})").is_wanted.has_value());
  const ReasoningWish enabled = wish(R"(, "thinking": {"type": "enabled", "budget_tokens": 1024})");
  EXPECT_EQ(enabled.is_wanted, true);
  EXPECT_EQ(enabled.budget, 1024);
  EXPECT_EQ(wish(R"(, "thinking": {"type": "adaptive"}, "output_config": {"effort": "max"})").effort, "xhigh");
}

TEST(AnthropicBlocks, OpensOneBlockAtATime) {
  using Kind = AnswerDelta::Kind;
  AnthropicBlocks blocks;
  AnthropicContent content;
  std::string order;
  const auto note = [&](std::vector<AnthropicBlocks::Step> steps) {
    for (const auto& step : steps) {
      order += "sd."[static_cast<int>(step.kind)];
      order += std::to_string(step.index);
    }
    content.apply(std::move(steps));
  };
  for (const AnswerDelta& delta : std::vector<AnswerDelta>{{Kind::kReasoning, 0, "I ", ""},
                                                           {Kind::kReasoning, 0, "think", ""},
                                                           {Kind::kContent, 0, "\n\n", ""},
                                                           {Kind::kContent, 0, "Yes", ""},
                                                           {Kind::kContent, 0, "!\n", ""},
                                                           {Kind::kCallBegin, 0, "look", "call_1"},
                                                           {Kind::kCallArguments, 0, "{\"a\":", ""},
                                                           {Kind::kCallArguments, 0, "1}", ""},
                                                           {Kind::kCallEnd, 0, "", ""},
                                                           {Kind::kContent, 0, "\n", ""},
                                                           {Kind::kCallBegin, 1, "hear", "x"},
                                                           {Kind::kCallArguments, 1, "{}", ""},
                                                           {Kind::kCallEnd, 1, "", ""},
                                                           {Kind::kContent, 0, "\n", ""},
                                                           {Kind::kCallBegin, 2, "half", "y"},
                                                           {Kind::kCallArguments, 2, "{\"a\":", ""},
                                                           {Kind::kCallEnd, 2, "", ""}}) {
    note(blocks.push(delta));
  }
  note(blocks.finish());
  EXPECT_EQ(order, "s0d0d0d0.0s1d1d1.1s2d2d2.2s3d3.3s4d4.4");
  const json::array all = content.take();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(member(all[0], "/thinking"), "I think");
  EXPECT_GT(member(all[0], "/signature").as_string().size(), 20u);
  EXPECT_EQ(member(all[1], "/text"), "\n\nYes!\n");
  EXPECT_EQ(member(all[2], "/id"), "toolu_1");
  EXPECT_EQ(member(all[2], "/input"), (json::object{{"a", 1}}));
  EXPECT_EQ(member(all[3], "/id"), "toolu_x");
  EXPECT_EQ(member(all[3], "/input"), json::object());
}

}  // namespace
}  // namespace ondol::server
