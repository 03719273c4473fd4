// Chat formats on short texts: one or more for every dialect, and what models get wrong.
#include "text/chat_format.h"

#include <gtest/gtest.h>

#include <random>

#include "base/files.h"
#include "tests/text/chat_format/chat_format_answers.h"
#include "tests/text/grammar/vocabulary.h"
#include "text/grammar/matcher.h"
#include "text/grammar/token_mask.h"

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

bool accepts(const GrammarPtr& grammar, std::string_view text) {
  grammar::Matcher matcher(grammar);
  auto at = matcher.start();
  for (const char byte : text) at = matcher.step(at, static_cast<uint8_t>(byte));
  return matcher.may_end(at);
}

TEST(ChatFormat, GrammarsHoldTheTextsOfAllDialects) {
  const auto text = read_file(ONDOL_SOURCE_DIR "/tests/golden/chat-formats/answers.json");
  ASSERT_TRUE(text) << text.error().message();
  const json::value cases = parsed(*text);
  for (const json::value& entry : cases.get_array()) {
    const std::string prompt = string_or(entry, "prompt", "");
    const std::string answer = string_or(entry, "text", "");
    SCOPED_TRACE(string_or(entry, "format", "") + ": " + string_or(entry, "case", "") + "\n" + answer);
    const auto format = ChatFormat::of_template(string_or(entry, "template", ""));
    const AnswerDemand demand = demand_of(entry);
    if (demand.tool_choice == ToolChoice::kNone) continue;
    const auto grammar = format->grammar(demand, prompt);
    ASSERT_TRUE(grammar) << grammar.error().message();
    EXPECT_EQ(accepts(*grammar, answer), bool_or(entry, "held", true));
  }
}

AnswerDemand named(ToolChoice choice, std::string name = "") {
  AnswerDemand demand = demand_of({});
  demand.tool_choice = choice;
  demand.tool_name = std::move(name);
  return demand;
}

constexpr const char* kNow = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
constexpr const char* kWeather =
    "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"x\"}}\n</tool_call>";

TEST(ChatFormat, DemandsOfCalls) {
  const auto format = ChatFormat::of_template("<tool_call> </think>");
  const std::string now = kNow;
  const std::string weather = kWeather;
  const auto required = *format->grammar(named(ToolChoice::kRequired), "");
  EXPECT_TRUE(accepts(required, now));
  EXPECT_TRUE(accepts(required, "<think>\nHm.\n</think>\n\n" + now + "\n" + weather));
  EXPECT_FALSE(accepts(required, "No."));
  EXPECT_FALSE(accepts(required, "<think>" + now));
  EXPECT_FALSE(accepts(required, "<think>" + now + "</think>"));
  const auto one = *format->grammar(named(ToolChoice::kNamed, "now"), "");
  EXPECT_TRUE(accepts(one, now));
  EXPECT_FALSE(accepts(one, weather));
  AnswerDemand single = named(ToolChoice::kAuto);
  single.parallel_calls = false;
  const auto alone = *format->grammar(single, "");
  EXPECT_TRUE(accepts(alone, "Hm. " + now));
  EXPECT_TRUE(accepts(alone, "No."));
  EXPECT_FALSE(accepts(alone, now + "\n" + weather));
  EXPECT_FALSE(accepts(alone, "<tool_call> is a tag"));
  const auto absent = format->grammar(named(ToolChoice::kNamed, "fly"), "");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().message(), "tool_choice: expected the name of one of the request's 2 tools, got 'fly'");
}

// Names that nobody listed, white space and digits could go on for ever.
TEST(ChatFormat, ArgumentsOfToolsAreClosedAndComeToAnEnd) {
  const auto held = [](const char* source, const char* parameters, const std::string& text) {
    AnswerDemand demand = named(ToolChoice::kRequired);
    demand.tools = {{"f", "", parsed(parameters)}};
    const auto grammar = ChatFormat::of_template(source)->grammar(demand, "");
    EXPECT_TRUE(grammar) << grammar.error().message();
    return grammar && accepts(*grammar, text);
  };
  const auto hermes = [&](const char* parameters, const std::string& arguments) {
    return held("<tool_call>", parameters,
                "<tool_call>\n{\"name\": \"f\", \"arguments\": " + arguments + "}\n</tool_call>");
  };
  constexpr const char* kNested = R"({"type": "object", "properties": {"a": {"type": "object",
      "properties": {"n": {"type": "integer"}}}}})";
  EXPECT_TRUE(hermes(kNested, R"({"a": {"n": 1}})"));
  EXPECT_FALSE(hermes(kNested, R"({"a": {"n": 1}, "b": 1})"));
  EXPECT_FALSE(hermes(kNested, R"({"a": {"m": 1}})"));
  EXPECT_FALSE(hermes(kNested, "{\"a\":  {\"n\": 1}}"));
  EXPECT_FALSE(hermes(kNested, "{\n\"a\": {\"n\": 1}}"));
  EXPECT_FALSE(hermes(kNested, R"({"a": {"n": )" + std::string(40, '1') + "}}"));
  EXPECT_FALSE(hermes(R"({"type": "object", "properties": {}})", R"({"a": 1})"));
  constexpr const char* kOpen =
      R"({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}})";
  EXPECT_TRUE(hermes(kOpen, R"({"b": "x", "a": 1})"));
  const auto python = [&](const char* parameters, const std::string& arguments) {
    return held("<|tool_call_start|>", parameters, "<|tool_call_start|>[f(" + arguments + ")]<|tool_call_end|>");
  };
  EXPECT_TRUE(python(kNested, "a={\"n\": 1}"));
  EXPECT_FALSE(python(kNested, "b=1"));
  EXPECT_FALSE(python(kNested, "a={\"m\": 1}"));
  EXPECT_TRUE(python(kOpen, "a=1, b=\"x\", c=\"y\""));
  EXPECT_FALSE(python(kOpen, "a=1, a=\"x\""));
  const auto tagged = [&](const char* parameters, const std::string& name, const std::string& value) {
    return held(
        "<function= <parameter=", parameters,
        "<tool_call>\n<function=f>\n<parameter=" + name + ">\n" + value + "\n</parameter>\n</function>\n</tool_call>");
  };
  EXPECT_TRUE(tagged(kNested, "a", R"({"n": 1})"));
  EXPECT_FALSE(tagged(kNested, "a", R"({"m": 1})"));
  EXPECT_FALSE(tagged(kNested, "b", "1"));
  EXPECT_TRUE(tagged(kOpen, "b", "x"));
}

TEST(ChatFormat, DemandsOfContent) {
  const auto format = ChatFormat::of_template("<tool_call> </think>");
  AnswerDemand demand;
  EXPECT_EQ(*format->grammar(demand, ""), nullptr);
  demand.content = *grammar_from_json_schema(parsed(R"({"type": "object", "properties": {"a": {"type": "integer"}}})"));
  const auto content = *format->grammar(demand, "");
  EXPECT_TRUE(accepts(content, "{\"a\": 1}"));
  EXPECT_TRUE(accepts(content, "<think>I could say {\"a\": \"b\"}.</think>\n\n{\"a\": 1}"));
  EXPECT_FALSE(accepts(content, "{\"a\": \"b\"}"));
  EXPECT_FALSE(accepts(content, "Yes: {\"a\": 1}"));
  const auto after_reasoning = *format->grammar(demand, "<think>\n");
  EXPECT_TRUE(accepts(after_reasoning, "Hm.</think>{\"a\": 1}"));
  EXPECT_FALSE(accepts(after_reasoning, "{\"a\": 1}"));
  const auto reasoned = *format->grammar(demand, "<think>\n\n</think>\n\n");
  EXPECT_TRUE(accepts(reasoned, "{\"a\": 1}"));
  EXPECT_FALSE(accepts(reasoned, "<think>Hm.</think>{\"a\": 1}"));
  demand.tools = demand_of({}).tools;
  const auto either = *format->grammar(demand, "");
  EXPECT_TRUE(accepts(either, kNow));
  EXPECT_TRUE(accepts(either, "{\"a\": 1}"));
  EXPECT_FALSE(accepts(either, "Yes."));
  demand.tool_choice = ToolChoice::kNone;
  EXPECT_FALSE(accepts(*format->grammar(demand, ""), kNow));
}

TEST(ChatFormat, HarmonyChannelsAreHeldToo) {
  const auto format = ChatFormat::of_template("<|channel|>analysis<|message|>");
  const std::string prompt = "<|start|>assistant";
  AnswerDemand demand;
  demand.content = *grammar_from_regex("[0-9]+");
  const auto content = *format->grammar(demand, prompt);
  EXPECT_TRUE(accepts(content, "<|channel|>final<|message|>42"));
  EXPECT_TRUE(
      accepts(content, "<|channel|>analysis<|message|>6 * 7<|end|><|start|>assistant<|channel|>final<|message|>42"));
  EXPECT_FALSE(accepts(content, "<|channel|>final<|message|>x"));
  EXPECT_FALSE(accepts(content, "42"));
  const auto required = *format->grammar(named(ToolChoice::kNamed, "now"), prompt);
  EXPECT_TRUE(accepts(required, "<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}"));
  EXPECT_FALSE(accepts(required, "<|channel|>final<|message|>No."));
  EXPECT_FALSE(accepts(required, "<|channel|>commentary to=functions.get_weather<|message|>{\"city\": \"x\"}"));
}

// Where the vocabulary has a token for a marker, nothing else may stand for it.
TEST(ChatFormat, MarkersAreSpecialTokens) {
  const auto tokenizer = grammar_tests::make_tokenizer({});
  const auto constraint =
      constrain(*ChatFormat::of_template("<tool_call>")->grammar(named(ToolChoice::kNamed, "now"), ""),
                MaskVocabulary::create(tokenizer));
  const auto allows_all = [&](std::string_view text) {
    for (const char byte : text) {
      const TokenId id = static_cast<unsigned char>(byte);
      if (!constraint->allows(id)) return false;
      constraint->accept(id);
    }
    return true;
  };
  const TokenId opener = grammar_tests::ids_of(*tokenizer, "<tool_call>");
  ASSERT_NE(opener, kNoToken);
  EXPECT_TRUE(allows_all("Let me see.\n<tool_call"));
  EXPECT_FALSE(constraint->allows('>'));
  EXPECT_TRUE(constraint->allows(opener));
  constraint->accept(opener);
  EXPECT_FALSE(constraint->allows('x'));
  EXPECT_TRUE(allows_all("\n{\"name\": \"now\", \"arguments\": {}}\n"));
  EXPECT_FALSE(constraint->allows(opener));
  EXPECT_TRUE(allows_all("</tool_call>"));
  EXPECT_TRUE(constraint->allows(tokenizer->eos()));
}

TEST(ChatFormat, RefusedSchemasNameTheirTool) {
  for (const char* source : {"<tool_call>", "<function= <parameter=", "<|tool_call_start|>",
                             "<|tool_call>call:", "]<]minimax[>[", "<|channel|>analysis<|message|>"}) {
    const auto format = ChatFormat::of_template(source);
    AnswerDemand demand = named(ToolChoice::kRequired);
    demand.tools[1].parameters =
        parsed(R"({"type": "object", "properties": {"n": {"type": "number", "minimum": "low"}}, "required": ["n"]})");
    const auto grammar = format->grammar(demand, "");
    ASSERT_FALSE(grammar) << format->name();
    EXPECT_EQ(grammar.error().message().find("tool 'now': "), 0u) << grammar.error().message();
    EXPECT_NE(grammar.error().message().find("minimum"), std::string::npos) << grammar.error().message();
  }
}

}  // namespace
}  // namespace ondol
