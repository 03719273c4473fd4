#include "agent/action_form.h"

#include <gtest/gtest.h>

#include "tests/agent/loop_bench.h"

namespace ondol {
namespace {

std::vector<ToolDefinition> tools() {
  return {{"run_shell", "Runs.", *parse_json(R"({"type": "object", "properties": {"command": {"type": "string"}},
                                                 "required": ["command"]})")},
          {"run_python", "Runs.", *parse_json(R"({"type": "object", "properties": {"code": {"type": "string"}},
                                                 "required": ["code"]})")},
          {"read_file", "Reads.", *parse_json(R"({"type": "object", "properties": {"path": {"type": "string"}},
                                                 "required": ["path"]})")}};
}

TEST(Blocks, AreFoundAtTheEndOfAnAnswer) {
  const auto shell = find_block("I look.\n```sh\nls -l\ncat a\n```", tools());
  ASSERT_TRUE(shell);
  EXPECT_EQ(shell->before, "I look.\n");
  EXPECT_EQ(shell->call.name, "run_shell");
  EXPECT_EQ(string_or(shell->call.arguments, "command", ""), "ls -l\ncat a");
  EXPECT_EQ(string_or(find_block("```python\nprint('`')\n```", tools())->call.arguments, "code", ""), "print('`')");
  const auto tool = find_block("```tool\n{\"name\": \"read_file\", \"arguments\": {\"path\": \"a\"}}\n```", tools());
  ASSERT_TRUE(tool);
  EXPECT_EQ(string_or(tool->call.arguments, "path", ""), "a");
  for (const char* text : {"", "no block", "```sh\nls", "```", "```rust\nfn\n```", "```tool\n{}\n```",
                           "```tool\n{\"name\": \"other\", \"arguments\": {}}\n```", "```sh"}) {
    EXPECT_FALSE(find_block(text, tools())) << text;
  }
}

TEST(Blocks, AreHowModelsWithoutToolsAct) {
  LoopBench bench({"I look.\n```sh\nls -l\n```",
                   "```tool\n{\"name\": \"read_file\", \"arguments\": {\"path\": \"a\"}}\n```", "There is one file."},
                  8192, kPlainTemplate);
  bench.files["a"] = "hello";
  bench.options.policy.approval = Approval::kAuto;
  const LoopOutcome outcome = bench.run("List the files.");
  EXPECT_EQ(outcome.reason, "done");
  ASSERT_EQ(bench.tool("run_shell").calls.size(), 1u);
  EXPECT_EQ(string_or(bench.tool("run_shell").calls[0], "command", ""), "ls -l");
  EXPECT_EQ(bench.tool("read_file").calls.size(), 1u);
  EXPECT_NE(bench.model.prompts()[0].find("```sh\n<command>\n```"), std::string::npos);
  EXPECT_NE(bench.model.prompts()[1].find("[Ondol] The result of run_shell:"), std::string::npos);
  EXPECT_NE(bench.model.prompts()[2].find("<<<data "), std::string::npos);
}

TEST(Blocks, TheGrammarHoldsThem) {
  // After the block nothing may come, tools' arguments fit their schemas, and there are no other labels.
  LoopBench bench({"```sh\nls\n```\nand then I imagine its result", "```rust\nfn main() {}\n```",
                   "```tool\n{\"name\": \"read_file\", \"arguments\": {\"file\": 3}}\n```", "ok"},
                  8192, kPlainTemplate);
  bench.options.policy.approval = Approval::kAuto;
  bench.options.answer_tokens = 120;
  bench.run("List the files.");
  const auto answers = bench.steps("answer");
  ASSERT_GE(answers.size(), 1u);
  EXPECT_EQ(string_or(answers[0], "content", ""), "```sh\nls\n```");
  for (const json::object& answer : answers) {
    const std::string content = string_or(answer, "content", "");
    EXPECT_EQ(content.find("```rust"), std::string::npos);
    EXPECT_EQ(content.find("\"file\""), std::string::npos);
  }
}

TEST(Blocks, ATextWithoutAFenceIsAnAnswer) {
  LoopBench bench({"Nothing to do."}, 8192, kPlainTemplate);
  EXPECT_EQ(bench.run("Say so.").text, "Nothing to do.");
}

}  // namespace
}  // namespace ondol
