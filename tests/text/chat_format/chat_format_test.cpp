// Chat formats on short texts: one or more for every dialect, and what models get wrong.
#include "text/chat_format.h"

#include <gtest/gtest.h>

#include <random>

#include "base/files.h"
#include "tests/text/chat_format/chat_format_answers.h"

namespace ondol {
namespace {

using namespace chat_format_tests;

json::value parsed(std::string_view text) {
  const auto value = parse_json(text);
  EXPECT_TRUE(value) << value.error().message() << ": " << text;
  return value ? *value : json::value();
}

// The tools of all cases.
AnswerDemand demand_of(const json::value& entry) {
  AnswerDemand demand;
  demand.tools.push_back({"get_weather", "Weather of a city", parsed(R"({"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "wind": {"type": "boolean"},
    "unit": {"anyOf": [{"type": "string", "enum": ["C", "F"]}, {"type": "null"}]},
    "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
    "where": {"type": "object", "properties": {"lat": {"type": "number"}}}}, "required": ["city"],
    "$defs": {"tag": {"type": "string"}}})")});
  demand.tools.push_back({"now", "The time", {}});
  if (string_or(entry, "tool_choice", "auto") == "none") demand.tool_choice = ToolChoice::kNone;
  return demand;
}

Answer expected_of(const json::value& entry) {
  Answer answer;
  answer.reasoning = string_or(entry, "reasoning", "");
  answer.content = string_or(entry, "content", "");
  for (const json::value& call : entry.at("calls").get_array()) {
    answer.calls.push_back(
        {string_or(call, "name", ""), string_or(call, "id", ""), string_or(call, "arguments", ""), true});
  }
  return answer;
}

TEST(ChatFormat, TextsOfAllDialectsAreTakenApart) {
  const auto text = read_file(ONDOL_SOURCE_DIR "/tests/golden/chat-formats/answers.json");
  ASSERT_TRUE(text) << text.error().message();
  const json::value cases = parsed(*text);
  ASSERT_GT(cases.get_array().size(), 80u);
  for (const json::value& entry : cases.get_array()) {
    SCOPED_TRACE(string_or(entry, "format", "") + ": " + string_or(entry, "case", "") + "\n" +
                 string_or(entry, "text", ""));
    const auto format = ChatFormat::of_template(string_or(entry, "template", ""));
    EXPECT_EQ(format->name(), string_or(entry, "format", ""));
    const AnswerDemand demand = demand_of(entry);
    const std::string prompt = string_or(entry, "prompt", "");
    const std::string answer = string_or(entry, "text", "");
    EXPECT_EQ(parse_whole(*format, demand, prompt, answer).text(), expected_of(entry).text());
    EXPECT_EQ(parse_in_pieces(*format, demand, prompt, answer, [] { return 1; }).text(), expected_of(entry).text());
    std::mt19937 random(1);
    for (int round = 0; round < 10; ++round) {
      const auto size = [&] { return random() % 9 + 1; };
      EXPECT_EQ(parse_in_pieces(*format, demand, prompt, answer, size).text(), expected_of(entry).text());
    }
  }
}

// What is certain is written at once: nothing waits for the end of a call, a string or a word of content.
TEST(ChatFormat, DeltasComeAsEarlyAsTheyAreCertain) {
  const auto format = ChatFormat::of_template("<tool_call>");
  AnswerDemand demand = demand_of({});
  const auto parser = format->parser(demand, "");
  const auto push = [&](std::string_view text) {
    std::string out;
    for (const AnswerDelta& delta : parser->push(text))
      out += std::to_string(static_cast<int>(delta.kind)) + delta.text + "|";
    return out;
  };
  EXPECT_EQ(push("<think>"), "");
  EXPECT_TRUE(parser->is_reasoning());
  EXPECT_EQ(push("\nHm"), "0Hm|");
  EXPECT_EQ(push(".</thi"), "0.|");
  EXPECT_EQ(push("nk>\n\n"), "");
  EXPECT_FALSE(parser->is_reasoning());
  EXPECT_EQ(push("Let me"), "1Let me|");
  EXPECT_EQ(push(" see <"), "1 see|");
  EXPECT_EQ(push("b> "), "1 <b>|");
  EXPECT_EQ(push("<tool_call>\n{\"name\": \"get_weather\""), "2get_weather|");
  EXPECT_EQ(push(", \"arguments\": {\"ci"), "3{|");
  EXPECT_EQ(push("ty\": \"Se"), "3\"city\": \"Se|");
  EXPECT_EQ(push("oul\", \"days\": 1"), "3oul\", \"days\": |");
  EXPECT_EQ(push("2}"), "312}|");
  EXPECT_EQ(push("}"), "4|");
  EXPECT_EQ(push("\n</tool_call>"), "");
}

TEST(ChatFormat, StringsOfTagsStreamToo) {
  const auto format = ChatFormat::of_template("<function= <parameter=");
  const AnswerDemand demand = demand_of({});
  const auto parser = format->parser(demand, "");
  parser->push("<tool_call>\n<function=get_weather>\n<parameter=city>\n");
  const auto deltas = parser->push("a \"long\" te\n");
  ASSERT_EQ(deltas.size(), 1u);
  EXPECT_EQ(deltas[0].text, "a \\\"long\\\" te");
}

TEST(ChatFormat, WhatClosesReasoning) {
  EXPECT_EQ(ChatFormat::of_template("")->reasoning_end(), "</think>\n\n");
  EXPECT_FALSE(ChatFormat::of_template("")->has_reasoning());
  EXPECT_FALSE(ChatFormat::of_template("")->has_tools());
  EXPECT_TRUE(ChatFormat::of_template("{{ tools }}")->has_tools());
  EXPECT_EQ(ChatFormat::of_template("{{ '[THINK]' + x + '[/THINK]' }}")->reasoning_end(), "[/THINK]");
  EXPECT_EQ(ChatFormat::of_template("{{ '<think>' + x + '</think>\\n' }}")->reasoning_end(), "</think>\n");
}

}  // namespace
}  // namespace ondol
