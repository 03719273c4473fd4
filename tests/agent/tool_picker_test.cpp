#include "agent/tool_picker.h"

#include <gtest/gtest.h>

#include "tests/agent/loop_bench.h"

namespace ondol {
namespace {

std::vector<ToolDefinition> many_tools() {
  return {{"read_file", "Read a file of the workspace.", {}},
          {"write_file", "Write a file of the workspace.", {}},
          {"run_shell", "Run a shell command in the sandbox.", {}},
          {"calculator", "Calculate the value of an expression.", {}},
          {"clock", "Tell the date and time.", {}},
          {"http_fetch", "Fetch a page of the web.", {}},
          {"mqtt_publish", "Publish a message to a device, such as a lamp.", {}},
          {"ask_user", "Ask the user a question.", {}},
          {"searchDocuments", "Search the owner's collections of documents.", {}}};
}

std::vector<const ToolDefinition*> pointers(const std::vector<ToolDefinition>& tools) {
  std::vector<const ToolDefinition*> list;
  for (const ToolDefinition& tool : tools) list.push_back(&tool);
  return list;
}

TEST(ToolPicker, TheBestToolForATask) {
  const auto tools = many_tools();
  ToolPicker picker(pointers(tools));
  const std::pair<const char*, const char*> cases[] = {{"Read the file notes.txt", "read_file"},
                                                       {"what is 17 * 23? calculate it", "calculator"},
                                                       {"fetch the page example.org", "http_fetch"},
                                                       {"turn the lamp on", "mqtt_publish"},
                                                       {"which date is it", "clock"},
                                                       {"search my documents for the budget", "searchDocuments"},
                                                       {"오늘 날짜가 뭐야?", "clock"},
                                                       {"조명을 켜 줘", "mqtt_publish"},
                                                       {"이 명령을 실행해 줘", "run_shell"},
                                                       {"17에 23을 곱하면? 계산해 줘", "calculator"}};
  for (const auto& [task, name] : cases) EXPECT_EQ(tools[picker.rank(task)[0].tool].name, name) << task;
}

TEST(ToolPicker, WhereWordsDoNotDecideImportanceDoes) {
  const auto tools = many_tools();
  ToolPicker picker(pointers(tools));
  EXPECT_EQ(picker.pick("xyzzy", 3, {}, {}), (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(picker.pick("", 100, {}, {}).size(), tools.size());
}

TEST(ToolPicker, WhatServesStays) {
  const auto tools = many_tools();
  ToolPicker picker(pointers(tools));
  const auto first = picker.pick("Read the file notes.txt", 3, {}, {});
  EXPECT_EQ(picker.pick("now write what is in the file", 3, first, {0}), first);
  const auto second = picker.pick("turn the lamp on", 3, first, {0});
  EXPECT_NE(second, first);
  EXPECT_TRUE(std::find(second.begin(), second.end(), 6) != second.end());
  EXPECT_TRUE(std::find(second.begin(), second.end(), 0) != second.end()) << "what was used stays";
  EXPECT_EQ(second.size(), 3u);
}

TEST(ToolDeskInTheLoop, AHandfulIsOfferedAndMoreCanBeFound) {
  LoopBench bench({scripted_call("find_tools", R"({"task": "publish a message to a lamp"})"),
                   scripted_call("mqtt_publish", R"({"path": "lamp"})"), "The lamp is on."});
  for (const ToolDefinition& tool : many_tools()) {
    if (tool.name == "read_file" || tool.name == "write_file" || tool.name == "run_shell") continue;
    bench.add(tool.name, tool.description, Effect::kReads, [](const json::object&) { return ToolResult{"ok"}; });
  }
  bench.options.tools_at_once = 4;
  EXPECT_EQ(bench.run("Read the file and write a file.").reason, "done");
  EXPECT_EQ(bench.tool("mqtt_publish").calls.size(), 1u);
  const auto offers = bench.steps("offer");
  ASSERT_EQ(offers.size(), 2u);
  for (const json::object& offer : offers) EXPECT_EQ(offer.at("tools").as_array().size(), 4u);
  EXPECT_EQ(bench.model.prompts()[0].find("mqtt_publish"), std::string::npos);
  EXPECT_NE(bench.model.prompts()[1].find("mqtt_publish"), std::string::npos);
}

}  // namespace
}  // namespace ondol
