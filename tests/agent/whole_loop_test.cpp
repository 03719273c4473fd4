// The loop with the real tools, a real folder and a real sandbox.
#include <gtest/gtest.h>

#include "agent/tool_list.h"
#include "tests/agent/loop_bench.h"

namespace ondol {
namespace {

class WholeLoop : public testing::Test {
 protected:
  LoopOutcome run(std::vector<std::string> answers, Approval approval, ApprovalAnswer answer = ApprovalAnswer::kNo) {
    bench_ = std::make_unique<LoopBench>(std::move(answers), 16384);
    ToolNeeds needs;
    needs.notes_folder = notes_ / "notes";
    tools_ = make_tools(needs).value();
    bench_->instead = tools_;
    bench_->options.policy = {Scope::kWorkspace, approval, {}};
    bench_->answer_with(answer);
    bench_->real_sandbox = sandbox_.get();
    bench_->folder.write("a.txt", "hello\n");
    bench_->folder.write(".env", "API_KEY=abc12345xyz\n");
    return bench_->run("Work.");
  }

  void SetUp() override {
    auto sandbox = Sandbox::open();
    if (!sandbox) GTEST_SKIP() << sandbox.error().message();
    sandbox_ = std::move(*sandbox);
  }

  TestFolder notes_;
  std::unique_ptr<Sandbox> sandbox_;
  std::vector<std::unique_ptr<Tool>> tools_;
  std::unique_ptr<LoopBench> bench_;
};

TEST_F(WholeLoop, FilesAndPrograms) {
  const LoopOutcome outcome =
      run({scripted_call("read_file", R"({"path": "a.txt"})"),
           scripted_call("write_file", R"({"path": "b.txt", "content": "one\ntwo\n"})"),
           scripted_call("run_shell", R"({"command": "wc -l < b.txt; echo $((6*7)) > c.txt"})"), "Two lines."},
          Approval::kAsk, ApprovalAnswer::kOnce);
  EXPECT_EQ(outcome.reason, "done");
  EXPECT_EQ(bench_->folder.read("b.txt"), "one\ntwo\n");
  EXPECT_EQ(bench_->folder.read("c.txt"), "42\n");
  EXPECT_EQ(bench_->asked.size(), 2u);
  const auto results = bench_->steps("result");
  ASSERT_EQ(results.size(), 3u);
  EXPECT_NE(string_or(results[0], "text", "").find("hello"), std::string::npos);
  EXPECT_NE(string_or(results[2], "text", "").find("2"), std::string::npos);
  for (const json::object& result : results) EXPECT_FALSE(bool_or(result, "is_error", false));
}

TEST_F(WholeLoop, RefusalLeavesTheFolderAsItWas) {
  run({scripted_call("write_file", R"({"path": "a.txt", "content": "changed"})"),
       scripted_call("run_shell", R"({"command": "rm a.txt"})"), "I may not."},
      Approval::kAsk, ApprovalAnswer::kNo);
  EXPECT_EQ(bench_->folder.read("a.txt"), "hello\n");
  EXPECT_EQ(bench_->asked.size(), 2u);
}

TEST_F(WholeLoop, ProtectedFilesStayOutOfReachWithAutoToo) {
  run({scripted_call("read_file", R"({"path": ".env"})"), scripted_call("run_shell", R"({"command": "cat .e*"})"),
       scripted_call("write_file", R"({"path": ".git/hooks/post-commit", "content": "x"})"),
       scripted_call("read_file", R"({"path": "../../etc/passwd"})"), "Nothing."},
      Approval::kAuto, ApprovalAnswer::kOnce);
  for (const std::string& prompt : bench_->model.prompts()) EXPECT_EQ(prompt.find("abc12345xyz"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(bench_->folder / ".git"));
  for (const json::object& result : bench_->steps("result")) {
    EXPECT_EQ(string_or(result, "text", "").find("root:"), std::string::npos);
  }
}

}  // namespace
}  // namespace ondol
