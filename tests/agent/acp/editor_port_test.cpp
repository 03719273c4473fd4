// Files and terminals of an editor, as a session's tools use them.
#include "agent/acp/editor_port.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "agent/sandbox.h"
#include "agent/tools/tools.h"
#include "agent/workspace.h"
#include "tests/agent/loop_bench.h"

namespace ondol::acp {
namespace {

class SampleEditor final : public EditorPort {
 public:
  const EditorAbilities& abilities() const override { return has; }
  Result<json::object> ask(std::string_view method, json::object params, const std::function<bool()>&) override {
    asked.emplace_back(method);
    last = std::move(params);
    if (fails) return Error("the editor is busy");
    if (method == "fs/read_text_file") return json::object{{"content", "not saved yet\n"}};
    if (method == "terminal/create") return json::object{{"terminalId", "t1"}};
    if (method == "terminal/wait_for_exit") return json::object{{"exitCode", 3}};
    if (method == "terminal/output") return json::object{{"output", "seen\n"}, {"truncated", false}};
    return json::object();
  }

  EditorAbilities has{true, true, true};
  bool fails = false;
  std::vector<std::string> asked;
  json::object last;
};

class EditorPortTest : public testing::Test {
 protected:
  EditorPortTest() : workspace_(Workspace::open(folder_.path()).value()), context_{workspace_, sandbox_, {}, {}} {
    folder_.write("a.txt", "on the disk\n");
    folder_.write(".env", "KEY=1");
  }
  ToolResult call(Tool& tool, const json::object& arguments) { return tool.call(arguments, context_).value(); }

  TestFolder folder_;
  Workspace workspace_;
  NoSandbox sandbox_;
  ToolContext context_;
  SampleEditor editor_;
};

TEST_F(EditorPortTest, WhatIsNotSavedIsRead) {
  use_editor_files(editor_, "s1", context_);
  const auto read = make_read_file();
  EXPECT_EQ(call(*read, {{"path", "a.txt"}}).text, "not saved yet\n");
  EXPECT_EQ(string_or(editor_.last, "sessionId", ""), "s1");
  EXPECT_EQ(string_or(editor_.last, "path", ""), std::filesystem::canonical(folder_ / "a.txt").string());
  EXPECT_EQ(call(*read, {{"path", "only-in-the-editor.txt"}}).text, "not saved yet\n");
  editor_.fails = true;
  EXPECT_EQ(call(*read, {{"path", "a.txt"}}).text, "on the disk\n");
}

TEST_F(EditorPortTest, WhatTheWorkspaceHidesStaysHidden) {
  use_editor_files(editor_, "s1", context_);
  folder_.write("../outside-of-it.txt", "x");
  std::filesystem::create_symlink("/etc/hostname", folder_ / "link");
  const auto read = make_read_file();
  const auto write = make_write_file();
  for (const char* path : {".env", "../outside-of-it.txt", "link", "/etc/passwd"}) {
    EXPECT_TRUE(call(*read, {{"path", path}}).is_error) << path;
    EXPECT_TRUE(call(*write, {{"path", path}, {"content", "x"}}).is_error) << path;
  }
  EXPECT_TRUE(editor_.asked.empty());
  std::filesystem::remove(folder_ / "../outside-of-it.txt");
}

TEST_F(EditorPortTest, ChangesAppearInTheEditor) {
  use_editor_files(editor_, "s1", context_);
  const auto edit = make_edit_file();
  EXPECT_FALSE(call(*edit, {{"path", "a.txt"}, {"old_text", "saved"}, {"new_text", "kept"}}).is_error);
  EXPECT_EQ(editor_.asked.back(), "fs/write_text_file");
  EXPECT_EQ(string_or(editor_.last, "content", ""), "not kept yet\n");
  EXPECT_EQ(folder_.read("a.txt"), "on the disk\n") << "the editor saves it";
  const auto write = make_write_file();
  call(*write, {{"path", "new/b.txt"}, {"content", "b"}});
  EXPECT_EQ(folder_.read("new/b.txt"), "b") << "its folder is new";
  editor_.fails = true;
  call(*write, {{"path", "a.txt"}, {"content", "c"}});
  EXPECT_EQ(folder_.read("a.txt"), "c");
}

TEST_F(EditorPortTest, OnlyWhatTheEditorOffers) {
  editor_.has = {};
  use_editor_files(editor_, "s1", context_);
  const auto read = make_read_file();
  EXPECT_EQ(call(*read, {{"path", "a.txt"}}).text, "on the disk\n");
  EXPECT_EQ(make_terminal_tool(editor_, "s1"), nullptr);
  EXPECT_TRUE(
      read_abilities(
          *parse_json(R"({"clientCapabilities": {"terminal": true, "fs": {"readTextFile": true}}})")->if_object())
          .reads_files);
  EXPECT_FALSE(read_abilities({}).has_terminals);
}

TEST_F(EditorPortTest, TerminalsReachOutAndAreGivenBack) {
  const auto tool = make_terminal_tool(editor_, "s1");
  ASSERT_NE(tool, nullptr);
  EXPECT_EQ(tool->effect({}), Effect::kReachesOut);
  EXPECT_NE(tool->preview({{"command", "make"}}, context_)->find("NOT confined"), std::string::npos);
  const ToolResult result = call(*tool, {{"command", "make"}});
  EXPECT_EQ(result.text, "seen\n\n[exit status 3]");
  EXPECT_TRUE(result.is_error && result.is_untrusted);
  EXPECT_EQ(editor_.asked, (std::vector<std::string>{"terminal/create", "terminal/wait_for_exit", "terminal/output",
                                                     "terminal/release"}));
}

}  // namespace
}  // namespace ondol::acp
