// The Responses API over HTTP, with the sample model.
#include <gtest/gtest.h>

#include "api_client.h"
#include "tests/runtime/scheduling.h"

namespace ondol::server {
namespace {

constexpr const char* kPath = "/v1/responses";

json::object ask_for(const json::value& input, int max_tokens = 8) {
  json::object body = {{"temperature", 0}, {"max_output_tokens", max_tokens}, {"ignore_eos", false}};
  body["input"] = input;
  return body;
}

ApiAnswer post(const json::value& body, const std::string& path = kPath) {
  return shared_server().client().post(path, body);
}

ApiAnswer get(const std::string& path) {
  return shared_server().client().get(kPath + path);
}

json::value made(const json::object& body) {
  const ApiAnswer answer = post(body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.document();
}

std::string id_of(const json::value& response) {
  return string_or(response, "id", "");
}

std::string text_of(const json::value& response) {
  std::string text;
  for (const json::value& item : response.at("output").as_array()) {
    if (item.at("type") == "message") text += item.at("content").at(0).at("text").as_string();
  }
  return text;
}

std::vector<std::string> types_of(const std::vector<json::value>& events) {
  std::vector<std::string> types;
  for (const json::value& event : events) types.push_back(string_or(event, "type", ""));
  return types;
}

json::value wait_until_over(const std::string& id) {
  for (int i = 0; i < 1200; ++i) {
    const json::value response = get("/" + id).document();
    const std::string status = string_or(response, "status", "");
    if (status != "queued" && status != "in_progress") return response;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ADD_FAILURE() << "it is never over";
  return {};
}

json::object weather_tool() {
  const json::object city = {{"type", "string"}, {"enum", json::array{"Seoul", "Busan"}}};
  const json::object schema = {{"type", "object"},
                               {"properties", json::object{{"city", city}}},
                               {"required", json::array{"city"}},
                               {"additionalProperties", false}};
  json::object tool = {{"type", "function"}, {"name", "get_weather"}, {"description", "Weather"}};
  tool["parameters"] = schema;
  return tool;
}

TEST(Responses, AnswersWhole) {
  json::object body = ask_for("Hello");
  body["metadata"] = {{"k", "v"}};
  body["prompt_cache_key"] = "p";
  const json::value response = made(body);
  EXPECT_EQ(member(response, "/object"), "response");
  EXPECT_EQ(member(response, "/model"), "sample");
  EXPECT_EQ(member(response, "/metadata/k"), "v");
  EXPECT_EQ(member(response, "/prompt_cache_key"), "p");
  EXPECT_TRUE(id_of(response).starts_with("resp_"));
  EXPECT_EQ(member(response, "/output/0/type"), "message");
  EXPECT_EQ(member(response, "/output/0/content/0/type"), "output_text");
  EXPECT_EQ(member(response, "/output/0/content/0/annotations"), json::array());
  const auto n_in = member(response, "/usage/input_tokens").to_number<int>();
  const auto n_out = member(response, "/usage/output_tokens").to_number<int>();
  EXPECT_EQ(member(response, "/usage/total_tokens").to_number<int>(), n_in + n_out);
  EXPECT_TRUE(member(response, "/usage/input_tokens_details/cached_tokens").is_number());
  EXPECT_TRUE(member(response, "/usage/output_tokens_details/reasoning_tokens").is_number());
  for (const char* key : {"created_at",
                          "completed_at",
                          "error",
                          "incomplete_details",
                          "instructions",
                          "max_output_tokens",
                          "max_tool_calls",
                          "parallel_tool_calls",
                          "previous_response_id",
                          "reasoning",
                          "safety_identifier",
                          "service_tier",
                          "store",
                          "temperature",
                          "text",
                          "tool_choice",
                          "tools",
                          "top_logprobs",
                          "top_p",
                          "truncation",
                          "user",
                          "background",
                          "presence_penalty",
                          "frequency_penalty",
                          "prompt_cache_retention"}) {
    EXPECT_NE(response.as_object().if_contains(key), nullptr) << key;
  }
}

TEST(Responses, EndsByLength) {
  json::object body = ask_for("Tell a story", 3);
  body["ignore_eos"] = true;
  const json::value response = made(body);
  EXPECT_EQ(member(response, "/status"), "incomplete");
  EXPECT_EQ(member(response, "/incomplete_details/reason"), "max_output_tokens");
  EXPECT_EQ(member(response, "/output/0/status"), "incomplete");
  EXPECT_EQ(member(response, "/usage/output_tokens"), 3);
}

TEST(Responses, StreamsTheSame) {
  json::object body = ask_for("Once upon a time", 12);
  const json::value whole = made(body);
  body["stream"] = true;
  const ApiAnswer answer = post(body);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(answer.type.starts_with("text/event-stream"));
  EXPECT_EQ(answer.body.find("[DONE]"), std::string::npos);
  const auto events = answer.events();
  const auto types = types_of(events);
  ASSERT_GE(types.size(), 8u);
  EXPECT_EQ(types[0], "response.created");
  EXPECT_EQ(types[1], "response.in_progress");
  EXPECT_EQ(types[2], "response.output_item.added");
  EXPECT_EQ(types[3], "response.content_part.added");
  std::string text, names;
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(member(events[i], "/sequence_number").to_number<size_t>(), i);
    names += "event: " + types[i] + "\n";
    if (types[i] == "response.output_text.delta") text += member(events[i], "/delta").as_string();
  }
  // The name of each event stands before its data.
  std::string lines;
  for (size_t at = answer.body.find("event: "); at != std::string::npos; at = answer.body.find("event: ", at + 1)) {
    lines += answer.body.substr(at, answer.body.find('\n', at) + 1 - at);
  }
  EXPECT_EQ(lines, names);
  EXPECT_EQ(text, text_of(whole));
  const json::value last = events.back().at("response");
  EXPECT_EQ(types.back(), "response." + string_or(last, "status", ""));
  EXPECT_EQ(text_of(last), text);
  EXPECT_EQ(member(last, "/usage/output_tokens"), member(whole, "/usage/output_tokens"));
  // The same events again, whole and from the middle.
  const std::string id = id_of(last);
  EXPECT_EQ(get("/" + id + "?stream=true").body, answer.body);
  const auto rest = get("/" + id + "?stream=true&starting_after=3").events();
  EXPECT_EQ(rest, std::vector<json::value>(events.begin() + 4, events.end()));
  EXPECT_EQ(get("/" + id_of(whole) + "?stream=true").status, 400);
}

TEST(Responses, AreKeptAndDeleted) {
  json::object body = ask_for("Hello");
  const json::value response = made(body);
  const std::string id = id_of(response);
  EXPECT_EQ(get("/" + id).document(), response);
  const json::value list = get("/" + id + "/input_items").document();
  EXPECT_EQ(member(list, "/object"), "list");
  EXPECT_EQ(member(list, "/data/0/content/0/text"), "Hello");
  EXPECT_EQ(member(list, "/first_id"), member(list, "/data/0/id"));
  EXPECT_EQ(member(list, "/has_more"), false);
  EXPECT_EQ(get("/" + id + "/input_items?limit=0").status, 400);
  const json::value deleted = shared_server().client().ask("DELETE", kPath + ("/" + id)).document();
  EXPECT_EQ(member(deleted, "/deleted"), true);
  EXPECT_EQ(get("/" + id).status, 404);
  EXPECT_EQ(shared_server().client().ask("DELETE", kPath + ("/" + id)).status, 404);
  body["store"] = false;
  EXPECT_EQ(get("/" + id_of(made(body))).status, 404);
}

TEST(Responses, ContinueAConversation) {
  json::object first = ask_for("Once upon a time", 6);
  first["instructions"] = "Tell stories.";
  const json::value one = made(first);
  json::object second = ask_for("Go on", 6);
  second["previous_response_id"] = id_of(one);
  const json::value two = made(second);
  EXPECT_EQ(member(two, "/previous_response_id"), json::value(id_of(one)));
  json::object third = ask_for("And then?", 6);
  third["previous_response_id"] = id_of(two);
  const json::value continued = made(third);
  // The same as all of it sent again, without the instructions of the first.
  json::array all = {json::object{{"role", "user"}, {"content", "Once upon a time"}}};
  const auto add = [&](const json::value& response, const char* text) {
    for (const json::value& item : response.at("output").as_array()) all.push_back(item);
    all.push_back(json::object{{"role", "user"}, {"content", text}});
  };
  add(one, "Go on");
  add(two, "And then?");
  const json::value resent = made(ask_for(all, 6));
  EXPECT_EQ(text_of(continued), text_of(resent));
  EXPECT_EQ(member(continued, "/usage/input_tokens"), member(resent, "/usage/input_tokens"));
  json::object counted = third;
  const ApiAnswer count = post(counted, "/v1/responses/input_tokens");
  EXPECT_EQ(member(count.document(), "/input_tokens"), member(resent, "/usage/input_tokens"));
  // A reference is the item itself.
  json::array referring = all;
  referring[1] = json::object{{"type", "item_reference"}, {"id", all[1].at("id")}};
  EXPECT_EQ(member(made(ask_for(referring, 6)), "/usage/input_tokens"), member(resent, "/usage/input_tokens"));

  second["previous_response_id"] = "resp_none";
  const ApiAnswer unknown = post(second);
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(member(unknown.document(), "/error/param"), "previous_response_id");
  EXPECT_EQ(member(unknown.document(), "/error/code"), "previous_response_not_found");
}

TEST(Responses, RunInTheBackground) {
  json::object body = ask_for("Hello", 8);
  body["background"] = true;
  const json::value queued = made(body);
  EXPECT_TRUE(member(queued, "/status") == "queued" || member(queued, "/status") == "in_progress" ||
              member(queued, "/status") == "completed");
  const json::value over = wait_until_over(id_of(queued));
  EXPECT_TRUE(member(over, "/status") == "completed" || member(over, "/status") == "incomplete");
  EXPECT_FALSE(text_of(over).empty());
  const auto types = types_of(get("/" + id_of(queued) + "?stream=true").events());
  ASSERT_GE(types.size(), 4u);
  EXPECT_EQ(types[0], "response.created");
  EXPECT_EQ(types[1], "response.queued");
  EXPECT_EQ(types[2], "response.in_progress");
}

TEST(Responses, AreCancelled) {
  json::object body = ask_for("Hello", 100000);
  body["background"] = true;
  body["ignore_eos"] = true;
  // The model is loaded, and waits until this was seen.
  made(ask_for("Hello", 1));
  const auto loaded = shared_server().services().models->loaded();
  const auto hold = std::make_unique<Hold>(loaded.at(0).model->scheduler());
  const std::string id = id_of(made(body));
  json::object next = ask_for("More");
  next["previous_response_id"] = id;
  const ApiAnswer too_early = post(next);
  EXPECT_EQ(too_early.status, 400) << too_early.body;
  const json::value cancelled = post(json::object(), kPath + ("/" + id + "/cancel")).document();
  EXPECT_EQ(member(cancelled, "/status"), "cancelled");
  EXPECT_EQ(post(json::object(), kPath + ("/" + id + "/cancel")).document(), cancelled);
  EXPECT_EQ(get("/" + id).document(), cancelled);
  EXPECT_EQ(post(json::object(), "/v1/responses/resp_none/cancel").status, 404);
}

TEST(Responses, CallTools) {
  json::object body = ask_for("Weather?", 400);
  body["tools"] = json::array{weather_tool(), json::object{{"type", "web_search"}}};
  body["tool_choice"] = "required";
  body["parallel_tool_calls"] = false;
  const json::value response = made(body);
  EXPECT_EQ(member(response, "/ondol/ignored_tools/0"), "web_search");
  const json::value call = response.at("output").as_array().back();
  ASSERT_EQ(member(response, "/status"), "completed") << json::serialize(response);
  EXPECT_EQ(member(call, "/type"), "function_call");
  EXPECT_EQ(member(call, "/name"), "get_weather");
  const json::value arguments = parse_json(member(call, "/arguments").as_string()).value();
  EXPECT_TRUE(member(arguments, "/city") == "Seoul" || member(arguments, "/city") == "Busan");
  body["stream"] = true;
  std::string pieces;
  std::string done;
  for (const json::value& event : post(body).events()) {
    if (event.at("type") == "response.function_call_arguments.delta") pieces += member(event, "/delta").as_string();
    if (event.at("type") == "response.function_call_arguments.done") done = member(event, "/arguments").as_string();
  }
  EXPECT_EQ(pieces, done);
  EXPECT_EQ(json::value(done), member(call, "/arguments"));
  // And its result.
  json::object next = ask_for(json::array{
      json::object{{"type", "function_call_output"}, {"call_id", member(call, "/call_id")}, {"output", "Sunny"}}});
  next["previous_response_id"] = id_of(response);
  EXPECT_EQ(member(made(next), "/output/0/type"), "message");
}

TEST(Responses, CallToolsWithFreeText) {
  json::object body = ask_for("Change it", 400);
  json::object format = {{"type", "grammar"}, {"syntax", "lark"}, {"definition", "start: \"put \" /[0-9]{2}/"}};
  json::object tool = {{"type", "custom"}, {"name", "patch"}};
  tool["format"] = std::move(format);
  body["tools"] = json::array{std::move(tool)};
  body["tool_choice"] = {{"type", "custom"}, {"name", "patch"}};
  const json::value response = made(body);
  const json::value call = response.at("output").as_array().back();
  ASSERT_EQ(member(response, "/status"), "completed") << json::serialize(response);
  EXPECT_EQ(member(call, "/type"), "custom_tool_call");
  const std::string input = string_or(call, "input", "");
  EXPECT_TRUE(input.size() == 6 && input.starts_with("put ")) << input;
}

TEST(Responses, KeepToASchema) {
  json::object body = ask_for("Who?", 400);
  const json::object age = {{"type", "integer"}, {"minimum", 0}, {"maximum", 99}};
  json::object schema = {{"type", "object"}, {"required", json::array{"age"}}, {"additionalProperties", false}};
  schema["properties"] = json::object{{"age", age}};
  json::object format = {{"type", "json_schema"}, {"name", "person"}, {"strict", true}};
  format["schema"] = std::move(schema);
  body["text"] = json::object{{"format", std::move(format)}};
  const json::value response = made(body);
  ASSERT_EQ(member(response, "/status"), "completed") << json::serialize(response);
  const json::value person = parse_json(text_of(response)).value();
  EXPECT_TRUE(member(person, "/age").is_number()) << text_of(response);
  EXPECT_EQ(member(response, "/text/format/name"), "person");
}

TEST(Responses, TellChances) {
  json::object body = ask_for("Hello", 4);
  body["top_logprobs"] = 2;
  body["include"] = json::array{"message.output_text.logprobs", "reasoning.encrypted_content"};
  const json::value response = made(body);
  const json::value logprobs = member(response, "/output/0/content/0/logprobs");
  ASSERT_TRUE(logprobs.is_array() && !logprobs.as_array().empty());
  EXPECT_EQ(member(logprobs, "/0/top_logprobs").as_array().size(), 2u);
}

TEST(Responses, ErrorsHaveAStatus) {
  const auto error_of = [](const json::object& body, int status) {
    const ApiAnswer answer = post(body);
    EXPECT_EQ(answer.status, status) << answer.body;
    return string_or(answer.document().at("error"), "param", "");
  };
  EXPECT_EQ(error_of(ask_for(3), 400), "input");
  json::object body = ask_for("Hello");
  body["model"] = "no-such-model";
  EXPECT_EQ(error_of(body, 404), "model");
  body["stream"] = true;
  EXPECT_EQ(error_of(body, 404), "model");
  std::string words;
  for (int i = 0; i < 40000; ++i) words += "word ";
  EXPECT_EQ(error_of(ask_for(json::value(words)), 400), "input");
  // In the background it is told later.
  body = ask_for(json::value(words));
  body["background"] = true;
  const json::value failed = wait_until_over(id_of(made(body)));
  EXPECT_EQ(member(failed, "/status"), "failed");
  EXPECT_EQ(member(failed, "/error/code"), "invalid_prompt");
}

TEST(Responses, DropTheOldestWhenAsked) {
  json::array conversation;
  std::string words;
  for (int i = 0; i < 40000; ++i) words += "word ";
  conversation.push_back(json::object{{"role", "user"}, {"content", words}});
  conversation.push_back(json::object{{"role", "assistant"}, {"content", "Yes"}});
  conversation.push_back(json::object{{"role", "user"}, {"content", "Hello"}});
  json::object body = ask_for(conversation);
  EXPECT_EQ(post(body).status, 400);
  body["truncation"] = "auto";
  const json::value response = made(body);
  EXPECT_EQ(member(response, "/ondol/dropped_items"), 2);
  EXPECT_EQ(member(response, "/truncation"), "auto");
  EXPECT_EQ(member(response, "/usage/input_tokens"), member(made(ask_for("Hello")), "/usage/input_tokens"));
}

}  // namespace
}  // namespace ondol::server
