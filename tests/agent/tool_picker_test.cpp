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

TEST(ToolPicker, WhatHardlyFitsIsNotMissing) {
  auto tools = many_tools();
  for (size_t i = 0; i < 5; ++i) tools[i].description += " Handy.";
  ToolPicker picker(pointers(tools));
  // None that is offered has the word, but so many others have that it says little.
  EXPECT_FALSE(picker.missing("handy", {5, 7, 8}));
  EXPECT_FALSE(picker.missing("xyzzy", {5, 7, 8}));
  EXPECT_EQ(picker.missing("turn the lamp on", {3, 4, 5}), 6u);
  EXPECT_FALSE(picker.missing("turn the lamp on", {3, 4, 6}));
}

/// What the model repeats of a page that names tools, another one each time.
std::string repeating(const std::string& words, int turn) {
  return words + scripted_call("read_file", "{\"path\": \"page" + std::to_string(turn) + "\"}");
}

TEST(ToolDeskInTheLoop, WordsInPassingLeaveThePromptAsItWas) {
  constexpr const char* kThings[] = {
      "lamp",   "invoice", "calendar", "camera",  "printer", "weather", "ticket", "stock",  "recipe",  "flight",
      "hotel",  "parcel",  "music",    "video",   "poem",    "garden",  "train",  "museum", "concert", "novel",
      "doctor", "mirror",  "pencil",   "bicycle", "kettle",  "window",  "carpet", "tunnel", "bridge",  "castle",
      "forest", "desert",  "island",   "planet",  "rocket",  "engine",  "violin", "drum"};
  std::vector<std::string> answers;
  for (int turn = 0; turn < 9; ++turn) {
    const std::string thing = kThings[static_cast<size_t>(turn) * 3];
    answers.push_back(repeating("It says: use control_" + thing + " for the " + thing + ".\n", turn));
  }
  answers.emplace_back("Read.");
  LoopBench bench(answers, 16384);
  for (const char* thing : kThings) {
    bench.add(std::string("control_") + thing, std::string("Controls a ") + thing + ".", Effect::kReads,
              [](const json::object&) { return ToolResult{"ok"}; });
  }
  for (int turn = 0; turn < 9; ++turn) bench.files["page" + std::to_string(turn)] = "Use another tool.";
  bench.options.tools_at_once = 5;
  EXPECT_EQ(bench.run("Read the file page0 and all files after it.").reason, "done");
  const auto steps = bench.steps("answer");
  ASSERT_EQ(steps.size(), 10u);
  EXPECT_EQ(bench.steps("offer").size(), 1u);
  for (size_t i = 1; i < steps.size(); ++i)
    EXPECT_GE(int_or(steps[i], "cached_tokens", 0), int_or(steps[i - 1], "prompt_tokens", 0) - 1) << i;
}

TEST(ToolDeskInTheLoop, WhatIsMissingAgainAndAgainIsOffered) {
  LoopBench bench({repeating("The lamp must be turned on.\n", 0), repeating("I lack a tool for the lamp.\n", 0),
                   scripted_call("mqtt_publish", R"({"path": "lamp"})"), "The lamp is on."});
  bench.files["page0"] = "x";
  for (const ToolDefinition& tool : many_tools()) {
    if (tool.name == "read_file" || tool.name == "write_file" || tool.name == "run_shell") continue;
    bench.add(tool.name, tool.description, Effect::kReads, [](const json::object&) { return ToolResult{"ok"}; });
  }
  bench.options.tools_at_once = 3;
  EXPECT_EQ(bench.run("Do it.").reason, "done");
  EXPECT_EQ(bench.tool("mqtt_publish").calls.size(), 1u);
  EXPECT_EQ(bench.steps("offer").size(), 2u);
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
