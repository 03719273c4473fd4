// Output items and events of answers that are told by hand, without a model.
#include <gtest/gtest.h>

#include "server/responses_output.h"

namespace ondol::server {
namespace {

using Kind = AnswerDelta::Kind;

struct Told {
  ResponseTools tools;
  std::vector<std::string> types;
  std::vector<json::object> events;
  ResponseOutput output;

  explicit Told(bool wants_summary = false)
      : tools({{{"crm__find", {"find", "crm", false}}, {"patch", {"patch", "", true}}}, {}, {}}),
        output(tools, wants_summary, [this](std::string_view type, json::object fields) {
          types.emplace_back(type.substr(std::string_view("response.").size()));
          events.push_back(std::move(fields));
        }) {}

  void tell(Kind kind, const std::string& text, const std::string& id = "") {
    output.delta({kind, 0, text, id});
    output.flush();
  }
};

TEST(ResponseOutput, TellsThoughtTextAndCallInOrder) {
  Told told;
  told.tell(Kind::kReasoning, "Let me ");
  told.tell(Kind::kReasoning, "see.");
  told.tell(Kind::kContent, "\n\n");
  told.tell(Kind::kContent, "I ask.");
  told.tell(Kind::kCallBegin, "crm__find", "call_1");
  told.tell(Kind::kCallArguments, "{\"who\":");
  told.tell(Kind::kCallArguments, "\"Ann\"}");
  told.tell(Kind::kCallEnd, "");
  told.output.end(FinishReason::kToolCalls);
  const std::vector<std::string> expected = {"output_item.added",
                                             "content_part.added",
                                             "reasoning_text.delta",
                                             "reasoning_text.delta",
                                             "reasoning_text.done",
                                             "content_part.done",
                                             "output_item.done",

                                             "output_item.added",
                                             "content_part.added",
                                             "output_text.delta",
                                             "output_text.done",
                                             "content_part.done",
                                             "output_item.done",

                                             "output_item.added",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.done",
                                             "output_item.done"};
  EXPECT_EQ(told.types, expected);
  const json::array& items = told.output.items();
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].at("type"), "reasoning");
  EXPECT_EQ(items[0].at("content").at(0).at("text"), "Let me see.");
  EXPECT_EQ(items[0].at("summary"), json::array());
  EXPECT_EQ(items[1].at("content").at(0).at("text"), "\n\nI ask.");
  EXPECT_EQ(items[2].at("name"), "find");
  EXPECT_EQ(items[2].at("namespace"), "crm");
  EXPECT_EQ(items[2].at("call_id"), "call_1");
  EXPECT_EQ(items[2].at("arguments"), "{\"who\":\"Ann\"}");
  for (const json::value& item : items) EXPECT_EQ(item.at("status"), "completed");
  for (size_t i = 0; i < told.events.size(); ++i) {
    const auto index = told.events[i].at("output_index").to_number<size_t>();
    EXPECT_EQ(index, i < 7 ? 0u : i < 13 ? 1u : 2u);
    if (told.events[i].contains("item_id")) {
      EXPECT_EQ(told.events[i].at("item_id"), items[index].at("id"));
    }
  }
}

TEST(ResponseOutput, SummariesOnlyWhenAskedFor) {
  Told told(true);
  told.tell(Kind::kReasoning, "Hm.");
  told.tell(Kind::kContent, "Yes");
  told.output.end(FinishReason::kStop);
  EXPECT_EQ(std::count(told.types.begin(), told.types.end(), "reasoning_summary_text.delta"), 1);
  EXPECT_EQ(std::count(told.types.begin(), told.types.end(), "reasoning_summary_part.done"), 1);
  EXPECT_EQ(told.output.items()[0].at("summary").at(0).at("text"), "Hm.");
}

TEST(ResponseOutput, LineBreaksBeforeACallAreNoMessage) {
  Told told;
  told.tell(Kind::kContent, "\n");
  told.tell(Kind::kCallBegin, "patch", "call_2");
  told.tell(Kind::kCallArguments, "{\"input\": \"a\\n");
  told.tell(Kind::kCallArguments, "b\"}");
  told.tell(Kind::kCallEnd, "");
  told.output.end(FinishReason::kToolCalls);
  const std::vector<std::string> expected = {"output_item.added", "custom_tool_call_input.delta",
                                             "custom_tool_call_input.done", "output_item.done"};
  EXPECT_EQ(told.types, expected);
  ASSERT_EQ(told.output.items().size(), 1u);
  EXPECT_EQ(told.output.items()[0].at("type"), "custom_tool_call");
  EXPECT_EQ(told.output.items()[0].at("input"), "a\nb");
  EXPECT_EQ(told.events[1].at("delta"), "a\nb");
}

TEST(ResponseOutput, WhatWasCutOffIsIncomplete) {
  Told told;
  told.tell(Kind::kContent, "Once upon");
  told.output.end(FinishReason::kLength);
  EXPECT_EQ(told.output.items()[0].at("status"), "incomplete");
  EXPECT_EQ(told.types.back(), "output_item.done");

  Told thought;
  thought.tell(Kind::kReasoning, "If");
  thought.output.end(FinishReason::kLength);
  ASSERT_EQ(thought.output.items().size(), 1u);
  EXPECT_EQ(thought.output.items()[0].at("status"), "incomplete");
}

TEST(ResponseOutput, AnAnswerOfNothingIsAnEmptyMessage) {
  Told told;
  told.output.end(FinishReason::kStop);
  ASSERT_EQ(told.output.items().size(), 1u);
  EXPECT_EQ(told.output.items()[0].at("content").at(0).at("text"), "");
}

TEST(ResponseOutput, ChancesComeWithTheirText) {
  Told told;
  told.output.delta({Kind::kContent, 0, "A", {}});
  told.output.token({"A", -0.5f, {{"B", -1.5f}}});
  told.output.flush();
  told.output.delta({Kind::kContent, 0, "C", {}});
  told.output.token({"C", -0.25f, {}});
  told.output.flush();
  told.output.end(FinishReason::kStop);
  EXPECT_EQ(told.events[2].at("logprobs").at(0).at("token"), "A");
  EXPECT_EQ(told.events[2].at("logprobs").at(0).at("top_logprobs").at(0).at("token"), "B");
  EXPECT_EQ(told.output.items()[0].at("content").at(0).at("logprobs").as_array().size(), 2u);
}

}  // namespace
}  // namespace ondol::server
