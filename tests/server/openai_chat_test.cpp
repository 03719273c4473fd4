#include <cmath>

#include <gtest/gtest.h>

#include "api_client.h"

namespace ondol::server {
namespace {

json::object chat(std::string_view text, int max_tokens = 12) {
  const json::object message = {{"role", "user"}, {"content", text}};
  return {{"messages", json::array{message}}, {"temperature", 0}, {"max_tokens", max_tokens}};
}

ApiAnswer ask(const json::object& body) {
  return shared_server().client().post("/v1/chat/completions", body);
}

TEST(OpenAiChat, AnswersWhole) {
  const ApiAnswer answer = ask(chat("Hello"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::value document = answer.document();
  EXPECT_EQ(member(document, "/object"), "chat.completion");
  EXPECT_EQ(member(document, "/model"), "sample");
  EXPECT_EQ(member(document, "/choices/0/message/role"), "assistant");
  EXPECT_TRUE(member(document, "/choices/0/message/content").is_string());
  EXPECT_TRUE(member(document, "/choices/0/logprobs").is_null());
  const auto n_prompt = member(document, "/usage/prompt_tokens").to_number<int>();
  const auto n_answer = member(document, "/usage/completion_tokens").to_number<int>();
  EXPECT_GT(n_prompt, 0);
  EXPECT_LE(n_answer, 12);
  EXPECT_EQ(member(document, "/usage/total_tokens").to_number<int>(), n_prompt + n_answer);
  EXPECT_EQ(member(document, "/usage/completion_tokens_details/reasoning_tokens"), 0);
}

TEST(OpenAiChat, StreamsTheSame) {
  json::object body = chat("Once upon a time", 24);
  const json::value whole = ask(body).document();
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  const ApiAnswer answer = ask(body);
  ASSERT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.type.starts_with("text/event-stream"));
  const auto events = answer.events();
  ASSERT_GE(events.size(), 4u);
  EXPECT_EQ(member(events.front(), "/choices/0/delta/role"), "assistant");
  EXPECT_EQ(member(events.front(), "/object"), "chat.completion.chunk");
  std::string content, reason;
  for (size_t i = 0; i + 2 < events.size(); ++i) {
    EXPECT_EQ(member(events[i], "/id"), member(events[0], "/id"));
    EXPECT_TRUE(member(events[i], "/usage").is_null());
    content += string_or(member(events[i], "/choices/0/delta"), "content", "");
    if (const json::value end = member(events[i], "/choices/0/finish_reason"); end.is_string()) {
      EXPECT_EQ(reason, "");
      reason = std::string(end.get_string());
    }
  }
  EXPECT_EQ(json::value(content), member(whole, "/choices/0/message/content"));
  EXPECT_EQ(json::value(reason), member(whole, "/choices/0/finish_reason"));
  EXPECT_EQ(member(events[events.size() - 2], "/choices"), json::array());
  EXPECT_EQ(member(events[events.size() - 2], "/usage/completion_tokens"), member(whole, "/usage/completion_tokens"));
  EXPECT_EQ(events.back(), "[DONE]");
}

TEST(OpenAiChat, EndsByLengthAndByStopText) {
  json::object body = chat("Tell a story", 5);
  body["ignore_eos"] = true;
  json::value document = ask(body).document();
  EXPECT_EQ(member(document, "/choices/0/finish_reason"), "length");
  EXPECT_EQ(member(document, "/usage/completion_tokens"), 5);

  body["max_tokens"] = 40;
  const std::string text(ask(body).document().at_pointer("/choices/0/message/content").as_string());
  const size_t space = text.find(' ', 3);
  ASSERT_NE(space, std::string::npos) << text;
  const std::string word = text.substr(space, text.find(' ', space + 1) - space);
  body["stop"] = word;
  document = ask(body).document();
  EXPECT_EQ(member(document, "/choices/0/message/content"), json::value(text.substr(0, text.find(word))));
  EXPECT_EQ(member(document, "/choices/0/finish_reason"), "stop");
}

TEST(OpenAiChat, GivesSeveralAnswers) {
  json::object body = chat("Hello", 8);
  body["n"] = 3;
  body["temperature"] = 1.5;
  body["seed"] = 7;
  const json::value answer = ask(body).document();
  ASSERT_EQ(answer.at("choices").as_array().size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(answer.at("choices").as_array()[i].at("index"), i);
  EXPECT_NE(member(answer, "/choices/0/message/content"), member(answer, "/choices/1/message/content"));
}

TEST(OpenAiChat, TheSameSeedGivesTheSameAnswer) {
  json::object body = chat("Hello", 8);
  body["temperature"] = 1.5;
  body["seed"] = 7;
  ask(body);  // from here on, the prompt is in the cache
  const json::value first = ask(body).document();
  EXPECT_EQ(first.at("choices"), ask(body).document().at("choices"));
  body["seed"] = 8;
  EXPECT_NE(first.at("choices"), ask(body).document().at("choices"));
}

TEST(OpenAiChat, TellsLogProbabilities) {
  json::object body = chat("Hello", 4);
  body["logprobs"] = true;
  body["top_logprobs"] = 3;
  const json::value document = ask(body).document();
  const json::value logprobs = member(document, "/choices/0/logprobs");
  const auto& tokens = logprobs.at("content").as_array();
  ASSERT_FALSE(tokens.empty());
  std::string text;
  for (const json::value& token : tokens) {
    const auto& best = token.at("top_logprobs").as_array();
    ASSERT_EQ(best.size(), 3u);
    EXPECT_EQ(best[0].at("token"), token.at("token"));  // temperature 0 takes the most likely one
    double sum = 0;
    for (const json::value& other : best) sum += std::exp(other.at("logprob").to_number<double>());
    EXPECT_LE(sum, 1.0001);
    EXPECT_GE(best[0].at("logprob").to_number<double>(), best[1].at("logprob").to_number<double>());
    for (const json::value& byte : token.at("bytes").as_array()) text += static_cast<char>(byte.to_number<int>());
  }
  EXPECT_EQ(json::value(text), member(document, "/choices/0/message/content"));
  body["stream"] = true;
  size_t n_streamed = 0;
  for (const json::value& event : ask(body).events()) {
    const json::value streamed = member(event, "/choices/0/logprobs/content");
    if (streamed.is_array()) n_streamed += streamed.get_array().size();
  }
  EXPECT_EQ(n_streamed, tokens.size());
}

TEST(OpenAiChat, HoldsToASchema) {
  json::object body = chat("A person", 200);
  body["temperature"] = 1;
  const json::object schema = {
      {"type", "object"},
      {"properties", json::object{{"name", json::object{{"type", "string"}, {"maxLength", 10}}},
                                  {"age", json::object{{"type", "integer"}, {"minimum", 0}, {"maximum", 120}}}}},
      {"required", json::array{"name", "age"}},
      {"additionalProperties", false}};
  body["response_format"] = {{"type", "json_schema"},
                             {"json_schema", json::object{{"name", "person"}, {"strict", true}, {"schema", schema}}}};
  for (int seed = 1; seed <= 3; ++seed) {
    body["seed"] = seed;
    const json::value document = ask(body).document();
    ASSERT_EQ(member(document, "/choices/0/finish_reason"), "stop") << json::serialize(document);
    const auto content = parse_json(document.at_pointer("/choices/0/message/content").as_string());
    ASSERT_TRUE(content.has_value()) << json::serialize(document);
    EXPECT_EQ(content->as_object().size(), 2u);
    EXPECT_TRUE(content->at("name").is_string());
    EXPECT_LE(content->at("age").to_number<int>(), 120);
  }
}

TEST(OpenAiChat, HoldsToGrammarsAndPatterns) {
  json::object body = chat("Say", 40);
  body["response_format"] = {{"type", "grammar"}, {"grammar", "root ::= \"yes\" | \"no\""}};
  std::string text(ask(body).document().at_pointer("/choices/0/message/content").as_string());
  EXPECT_TRUE(text == "yes" || text == "no") << text;
  body["response_format"] = {{"type", "regex"}, {"regex", "[0-9]{3}-[a-c]"}};
  text = ask(body).document().at_pointer("/choices/0/message/content").as_string();
  EXPECT_EQ(text.size(), 5u) << text;
  EXPECT_EQ(text[3], '-');
  body["response_format"] = {{"type", "grammar"}, {"grammar", "root ::= nowhere"}};
  const ApiAnswer wrong = ask(body);
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(member(wrong.document(), "/error/param"), "response_format.grammar");
}

TEST(OpenAiChat, HalfACallIsNone) {
  json::object body = chat("What is the weather in Seoul?", 100);
  body["tools"] = json::array{openai_weather_tool()};
  body["tool_choice"] = "required";
  body["parallel_tool_calls"] = false;
  const int64_t n_whole = member(ask(body).document(), "/usage/completion_tokens").as_int64();
  bool was_half = false;
  for (int64_t n = 1; n < n_whole; ++n) {
    body["max_tokens"] = n;
    body["stream"] = false;
    const json::value document = ask(body).document();
    EXPECT_EQ(member(document, "/choices/0/finish_reason"), "length");
    const json::value calls = member(document, "/choices/0/message/tool_calls");
    if (calls.is_array()) {
      EXPECT_TRUE(parse_json(member(calls, "/0/function/arguments").as_string())) << calls;
      continue;
    }
    body["stream"] = true;
    for (const json::value& event : ask(body).events()) {
      was_half |= !string_or(member(event, "/choices/0/delta/tool_calls/0/function"), "arguments", "").empty();
    }
  }
  EXPECT_TRUE(was_half);
}

TEST(OpenAiChat, CallsTheToolThatItMust) {
  json::object body = chat("What is the weather in Seoul?", 100);
  body["tools"] = json::array{openai_weather_tool()};
  body["tool_choice"] = "required";
  body["parallel_tool_calls"] = false;
  const json::value document = ask(body).document();
  ASSERT_EQ(member(document, "/choices/0/finish_reason"), "tool_calls") << json::serialize(document);
  const auto& calls = document.at_pointer("/choices/0/message/tool_calls").as_array();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(member(calls[0], "/function/name"), "get_weather");
  const auto arguments = parse_json(calls[0].at_pointer("/function/arguments").as_string());
  ASSERT_TRUE(arguments.has_value());
  EXPECT_TRUE(arguments->at("city") == "Seoul" || arguments->at("city") == "Busan");
  EXPECT_TRUE(member(document, "/choices/0/message/content").is_null());

  body["stream"] = true;
  std::string id, name, streamed;
  for (const json::value& event : ask(body).events()) {
    const json::value call = member(event, "/choices/0/delta/tool_calls/0");
    if (!call.is_object()) continue;
    EXPECT_EQ(call.at("index"), 0);
    id += string_or(call, "id", "");
    name += string_or(call.at("function"), "name", "");
    streamed += string_or(call.at("function"), "arguments", "");
  }
  EXPECT_FALSE(id.empty());
  EXPECT_EQ(name, "get_weather");
  EXPECT_EQ(parse_json(streamed).value(), *arguments);
}

TEST(OpenAiChat, GoesOnWithAnAnswerThatWasBegun) {
  json::object body = chat("Tell a story", 20);
  body["ignore_eos"] = true;
  const std::string whole(ask(body).document().at_pointer("/choices/0/message/content").as_string());
  const size_t cut = whole.find(' ', 4);
  ASSERT_NE(cut, std::string::npos);
  body["messages"].as_array().push_back({{"role", "assistant"}, {"content", whole.substr(0, cut)}});
  body["max_tokens"] = 5;
  const std::string rest(ask(body).document().at_pointer("/choices/0/message/content").as_string());
  EXPECT_EQ(whole.substr(cut, rest.size()), rest);
}

struct WrongRequest {
  const char* body;
  int status;
  const char* parameter;
  const char* code;
};

TEST(OpenAiChat, SaysWhatIsWrong) {
  const WrongRequest wrong[] = {
      {R"({"messages": "hello"})", 400, "messages", nullptr},
      {R"({"messages": []})", 400, "messages", nullptr},
      {R"({})", 400, "messages", nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}, {"role": "robot", "content": "b"}]})", 400,
       "messages[1].role", nullptr},
      {R"({"messages": [{"role": "user"}]})", 400, "messages[0].content", nullptr},
      {R"({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]})", 400,
       "messages[0].content[0].type", "unsupported_content"},
      {R"({"messages": [{"role": "user", "content": "a"}], "temperature": "hot"})", 400, "temperature", nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}], "max_tokens": 1.5})", 400, "max_tokens", nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}], "n": 1000})", 400, "n", nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}], "stop": [1]})", 400, "stop[0]", nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}], "tool_choice": "required"})", 400, "tool_choice", nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}], "tools": [{"type": "function"}]})", 400, "tools[0].function",
       nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}], "response_format": {"type": "xml"}})", 400,
       "response_format.type", nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}], "top_logprobs": 3})", 400, "top_logprobs", nullptr},
      {R"({"messages": [{"role": "user", "content": "a"}], "model": "gpt-4o"})", 404, "model", "model_not_found"},
  };
  for (const WrongRequest& request : wrong) {
    const ApiAnswer answer = shared_server().client().ask("POST", "/v1/chat/completions", request.body);
    EXPECT_EQ(answer.status, request.status) << request.body << answer.body;
    const json::value document = answer.document();
    EXPECT_EQ(member(document, "/error/param"), request.parameter) << answer.body;
    if (request.code != nullptr) {
      EXPECT_EQ(member(document, "/error/code"), request.code);
    }
  }
  EXPECT_EQ(shared_server().client().ask("POST", "/v1/chat/completions", "{\"messages\": [").status, 400);
  const std::string unknown =
      shared_server()
          .client()
          .ask("POST", "/v1/chat/completions", R"({"messages": [{"role": "user", "content": "a"}], "model": "gpt-4o"})")
          .body;
  EXPECT_NE(unknown.find("sample"), std::string::npos) << "the models that there are";
}

TEST(OpenAiChat, RefusesWhatDoesNotFitTheContext) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "once upon a time ";
  json::object body = chat(text);
  const ApiAnswer answer = ask(body);
  ASSERT_EQ(answer.status, 400) << answer.body.substr(0, 200);
  EXPECT_EQ(member(answer.document(), "/error/code"), "context_length_exceeded");
  EXPECT_NE(answer.body.find("1024"), std::string::npos) << answer.body;
  body["stream"] = true;
  EXPECT_EQ(ask(body).status, 400) << "nothing was sent yet, so the status tells it";
}

TEST(OpenAiChat, FindsTheBeginningOfAPromptAgain) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "the little dog ran home ";
  const json::object body = chat(text);
  ask(body);
  const json::value again = ask(body).document();
  EXPECT_GT(member(again, "/usage/prompt_tokens_details/cached_tokens").to_number<int>(), 100);
}

}  // namespace
}  // namespace ondol::server
