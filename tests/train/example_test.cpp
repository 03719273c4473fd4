// Every format of examples, and what is wrong with those that are refused.
#include "train/data/example.h"

#include <gtest/gtest.h>

namespace ondol::train {
namespace {

Result<Example> read(const std::string& text) {
  const json::value record = ONDOL_TRY(parse_json(text));
  return read_example(record, ONDOL_TRY(detect_format(record)));
}

/// The messages as text, those that are learned with a star.
std::string show(const Exchange& exchange) {
  std::string text;
  for (size_t i = 0; i < exchange.messages.size(); ++i) {
    text += (exchange.is_answer[i] ? "*" : "") + json::serialize(exchange.messages[i]) + "\n";
  }
  return text;
}

std::string show(const std::string& record, Format expected_format) {
  const auto example = read(record);
  EXPECT_TRUE(example) << example.error().message();
  if (!example) return "";
  EXPECT_EQ(example->format, expected_format);
  std::string text;
  for (const Exchange& exchange : example->exchanges) text += (text.empty() ? "" : "--\n") + show(exchange);
  return text;
}

std::string error_of(const std::string& record) {
  const auto example = read(record);
  return example ? "no error" : example.error().message();
}

TEST(Example, Messages) {
  EXPECT_EQ(
      show(
          R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
      {"role": "assistant", "content": null, "reasoning": "R", "tool_calls": [{"id": "x1", "type": "function", "function": {"name": "f", "arguments": "{\"k\": 1}"}}]},
      {"role": "tool", "content": "T"}, {"role": "assistant", "content": "A", "weight": 0}, {"role": "assistant", "content": "B", "weight": 1}]})",
          Format::kMessages),
      R"({"role":"system","content":"S"}
{"role":"user","content":"a\nb"}
*{"role":"assistant","content":"","reasoning_content":"R","tool_calls":[{"id":"x1","type":"function","function":{"name":"f","arguments":{"k":1}}}]}
{"role":"tool","content":"T","tool_call_id":"x1","name":"f"}
{"role":"assistant","content":"A"}
*{"role":"assistant","content":"B"}
)");
}

TEST(Example, ToolsInTheirForms) {
  const std::string messages =
      R"("messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}])";
  const std::string wrapped = R"([{"type":"function","function":{"name":"f"}}])";
  for (const std::string tools :
       {R"("tools": [{"type":"function","function":{"name":"f"}}])", R"("tools": [{"name":"f"}])",
        R"("functions": [{"name":"f"}])", R"("tools": "[{\"name\":\"f\"}]")"}) {
    const auto example = read("{" + messages + ", " + tools + "}");
    ASSERT_TRUE(example) << example.error().message();
    EXPECT_EQ(json::serialize(example->exchanges[0].tools), wrapped);
  }
}

TEST(Example, ShareGpt) {
  EXPECT_EQ(
      show(
          R"({"system": "S", "conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"k\": 1}}"},
      {"from": "observation", "value": "T"}, {"from": "gpt", "value": "a"}]})",
          Format::kShareGpt),
      R"({"role":"system","content":"S"}
{"role":"user","content":"q"}
*{"role":"assistant","content":"","tool_calls":[{"id":"call00001","type":"function","function":{"name":"f","arguments":{"k":1}}}]}
{"role":"tool","content":"T","tool_call_id":"call00001","name":"f"}
*{"role":"assistant","content":"a"}
)");
}

TEST(Example, Alpaca) {
  EXPECT_EQ(show(R"({"instruction": "i", "input": "x", "output": "o"})", Format::kAlpaca),
            "{\"role\":\"user\",\"content\":\"i\\n\\nx\"}\n*{\"role\":\"assistant\",\"content\":\"o\"}\n");
  EXPECT_EQ(show(R"({"instruction": "i", "input": "", "output": "o", "system": "s"})", Format::kAlpaca),
            "{\"role\":\"system\",\"content\":\"s\"}\n{\"role\":\"user\",\"content\":\"i\"}\n"
            "*{\"role\":\"assistant\",\"content\":\"o\"}\n");
}

TEST(Example, PromptAndCompletion) {
  const auto plain = read(R"({"prompt": "p", "completion": "c"})");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->exchanges[0].is_plain);
  EXPECT_EQ(show(plain->exchanges[0]),
            "{\"role\":\"user\",\"content\":\"p\"}\n*{\"role\":\"assistant\",\"content\":\"c\"}\n");
  // What the assistant said in the prompt is not learned.
  EXPECT_EQ(
      show(
          R"({"prompt": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": "r"}],
      "completion": [{"role": "assistant", "content": "c"}]})",
          Format::kPromptCompletion),
      "{\"role\":\"user\",\"content\":\"p\"}\n{\"role\":\"assistant\",\"content\":\"x\"}\n"
      "{\"role\":\"user\",\"content\":\"r\"}\n*{\"role\":\"assistant\",\"content\":\"c\"}\n");
}

TEST(Example, Preferences) {
  const std::string expected =
      "{\"role\":\"user\",\"content\":\"p\"}\n*{\"role\":\"assistant\",\"content\":\"c\"}\n--\n"
      "{\"role\":\"user\",\"content\":\"p\"}\n*{\"role\":\"assistant\",\"content\":\"r\"}\n";
  EXPECT_EQ(show(R"({"prompt": "p", "chosen": "c", "rejected": "r"})", Format::kPreference), expected);
  EXPECT_EQ(show(R"({"prompt": [{"role": "user", "content": "p"}], "chosen": [{"role": "assistant", "content": "c"}],
      "rejected": [{"role": "assistant", "content": "r"}]})",
                 Format::kPreference),
            expected);
  EXPECT_EQ(show(R"({"chosen": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}],
      "rejected": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "r"}]})",
                 Format::kPreference),
            expected);
}

TEST(Example, JudgedAnswers) {
  const auto good = read(R"({"prompt": "p", "completion": "c", "label": true})");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->format, Format::kJudged);
  EXPECT_TRUE(good->is_desirable);
  EXPECT_FALSE(read(R"({"prompt": "p", "completion": "c", "label": 0})")->is_desirable);
}

TEST(Example, Text) {
  const auto text = read(R"({"text": "words", "source": "x"})");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->text, "words");
}

TEST(Example, ErrorsSayWhatWasExpected) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"([1])", "expected a JSON object, got a list"},
      {R"({"question": "q", "answer": "a"})", "got 'question', 'answer'; hint: rename the members"},
      {R"({"messages": "hello"})", "'messages': expected a list of messages, got a string"},
      {R"({"messages": [{"content": "x"}]})", "'messages'[0].role: expected a string, got nothing"},
      {R"({"messages": [{"role": "owner", "content": "x"}]})", "expected system, developer, user, assistant or tool"},
      {R"({"messages": [{"role": "user", "content": 5}]})", "'messages'[0].content: expected a string or a list"},
      {R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})", "training reads text only"},
      {R"({"messages": [{"role": "user", "content": "x"}]})", "expected a message of the assistant to learn from"},
      {R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}]})",
       "tool_calls[0].function.name: expected a string, got nothing"},
      {R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{x"}}]}]})",
       "tool_calls[0].function.arguments: line 1"},
      {R"({"conversations": [{"from": "robot", "value": "x"}]})", "got 'robot'"},
      {R"({"instruction": 1, "output": "x"})", "'instruction': expected a string, got a number"},
      {R"({"prompt": "p", "completion": "c", "label": "good"})", "'label': expected true or false, got \"good\""},
      {R"({"chosen": "c", "rejected": "r"})", "'prompt': expected the text that both answers follow, got nothing"},
      {R"({"text": ["a"]})", "'text': expected a string, got a list"},
      {R"({"text": "a", "chat_template_kwargs": 1})", "'chat_template_kwargs': expected an object, got a number"}};
  for (const auto& [record, expected] : kCases) {
    EXPECT_NE(error_of(record).find(expected), std::string::npos) << record << ": " << error_of(record);
  }
}

TEST(Example, TextsAndAnswersMayBeMixedButNotPairs) {
  const auto other = read_example(parse_json(R"({"text": "a"})").value(), Format::kMessages);
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_EQ(other->format, Format::kText);
  const auto pair = read_example(parse_json(R"({"prompt": "a", "chosen": "b", "rejected": "c"})").value(), Format::kText);
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().message(),
            "expected text as in the records before, got preferences (chosen, rejected); hint: train with each kind by "
            "itself");
}

}  // namespace
}  // namespace ondol::train
