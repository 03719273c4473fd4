// The MCP servers of a run: whose they are, who allows them, and a run that uses one.
#include "agent/work/run_servers.h"

#include <gtest/gtest.h>

#include "agent/work/agent_run.h"
#include "tests/agent/mcp/stdio_peer.h"
#include "tests/agent/scripted_model.h"
#include "tests/agent/temporary_folder.h"

namespace ondol {
namespace {

std::string configured(const std::string& more = "") {
  return R"({"mcpServers": {"peer": {"command": "python3", "args": ["server.py"])" + more + "}}}";
}

class RunServersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto sandbox = Sandbox::open(); !sandbox) GTEST_SKIP() << sandbox.error().message();
    work_.write("server.py", mcp::kStdioPeer);
    places_.data_folder = data_.path();
    task_.goal = "Evaluate it.";
    task_.workspace = work_.path();
  }

  Result<LoopOutcome> run(std::vector<std::string> answers) {
    Workshop shop = ONDOL_TRY(open_workshop(task_, places_));
    const auto model = std::make_shared<ScriptedModel>(std::move(answers));
    shop.model = model;
    AgentSession session = ONDOL_TRY(open_session(task_, places_, shop));
    AgentPeople people;
    people.note = [this](const std::string& text) { notes_ += text + "\n"; };
    if (answer_) {
      people.approve = [this](const ApprovalRequest& request) -> Result<ApprovalAnswer> {
        asked_.push_back(request.preview);
        return *answer_;
      };
    }
    auto outcome = run_agent(task_, places_, shop, session, people, {}, [this](const json::object& step) {
      if (string_or(step, "type", "") == "result") result_ = step;
    });
    return outcome;
  }
  Result<LoopOutcome> run_call() { return run({scripted_call("peer__do", R"({"code": "6 * 7"})"), "Done."}); }

  TestFolder work_, data_;
  AgentPlaces places_;
  AgentTask task_;
  std::optional<ApprovalAnswer> answer_;
  std::vector<std::string> asked_;
  std::string notes_;
  json::object result_;
};

TEST_F(RunServersTest, OwnersOwnAreUsed) {
  data_.write("mcp.json", configured(R"(, "sandbox": true)"));
  task_.approve = "never";
  task_.scope = "read-only";
  const auto outcome = run_call();
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->reason, "done") << notes_;
  EXPECT_EQ(string_or(result_, "text", ""), "42");
  EXPECT_TRUE(bool_or(result_, "is_untrusted", false)) << "a stranger's words";
}

TEST_F(RunServersTest, WhatIsNotConfinedReachesOut) {
  // Its command is found from where the run was started.
  data_.write("mcp.json",
              R"({"mcpServers": {"peer": {"command": "python3", "args": [")" + (work_ / "server.py") + R"("]}}})");
  task_.approve = "auto";
  ASSERT_EQ(run_call()->reason, "done");
  EXPECT_TRUE(bool_or(result_, "is_error", false)) << "the scope is the workspace";
  task_.scope = "full";
  ASSERT_EQ(run_call()->reason, "done");
  EXPECT_EQ(string_or(result_, "text", ""), "42");
}

TEST_F(RunServersTest, AFoldersOwnNeedAPersonsYes) {
  work_.write(".ondol/mcp.json", configured());
  ASSERT_TRUE(run({"Done."}));
  EXPECT_NE(notes_.find("'peer' is left out"), std::string::npos) << notes_;
  task_.approve = "auto";
  answer_ = ApprovalAnswer::kAlways;
  ASSERT_TRUE(run({"Done."}));
  EXPECT_TRUE(asked_.empty()) << "auto asks nobody, and starts nothing";
  task_.approve = "ask";
  answer_ = ApprovalAnswer::kNo;
  ASSERT_TRUE(run({"Done."}));
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_NE(asked_[0].find("in the sandbox, reading the workspace, with no network"), std::string::npos) << asked_[0];
  EXPECT_NE(asked_[0].find("python3 server.py"), std::string::npos);
  answer_ = ApprovalAnswer::kAlways;
  notes_.clear();
  ASSERT_EQ(run_call()->reason, "done");
  EXPECT_EQ(string_or(result_, "text", ""), "42") << notes_;
  ASSERT_EQ(run_call()->reason, "done");
  EXPECT_EQ(asked_.size(), 2U) << "it was remembered";
  // Other words are another server.
  work_.write(".ondol/mcp.json", configured(R"(, "sandbox": false)"));
  answer_ = ApprovalAnswer::kNo;
  ASSERT_TRUE(run({"Done."}));
  ASSERT_EQ(asked_.size(), 3U);
  EXPECT_NE(asked_[2].find("NOT confined"), std::string::npos) << asked_[2];
}

TEST_F(RunServersTest, WhoeverIsNotThereIsWaitedFor) {
  work_.write(".ondol/mcp.json", configured());
  answer_ = ApprovalAnswer::kLater;
  const auto outcome = run({"Done."});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->reason, "asking");
  EXPECT_NE(outcome->text.find("python3 server.py"), std::string::npos) << outcome->text;
}

TEST_F(RunServersTest, ChosenByNameOrFile) {
  data_.write("mcp.json", configured(R"(, "sandbox": true)"));
  task_.mcp = {"none"};
  ASSERT_EQ(run_call()->reason, "done");
  EXPECT_TRUE(result_.empty() || bool_or(result_, "is_error", false)) << "there is no such tool";
  task_.mcp = {"other"};
  EXPECT_NE(run({"x"}).error().message().find("(peer)"), std::string::npos);
  data_.write("elsewhere.json", R"({"mcpServers": {"twin": {"command": "python3", "args": ["server.py"],
                                                            "sandbox": {"write": true}}}})");
  task_.mcp = {data_ / "elsewhere.json"};
  task_.tools = {"twin__do"};
  task_.approve = "auto";
  result_.clear();
  ASSERT_EQ(run({scripted_call("twin__do", R"({"code": "1 + 1"})"), "Done."})->reason, "done");
  EXPECT_EQ(string_or(result_, "text", ""), "2");
}

TEST_F(RunServersTest, FarOnesNeedTheFullScopeAndTheirHost) {
  data_.write("mcp.json", R"({"mcpServers": {"far": {"url": "http://127.0.0.1:9/mcp"}}})");
  ASSERT_TRUE(run({"Done."}));
  EXPECT_NE(notes_.find("--scope full"), std::string::npos) << notes_;
  task_.scope = "full";
  ASSERT_TRUE(run({"Done."}));
  EXPECT_NE(notes_.find("--allow-host 127.0.0.1:9"), std::string::npos) << notes_;
}

TEST(RunServerNames, JobsTakeNoFiles) {
  json::value work = parse_json(R"({"goal": "x", "workspace": "/tmp", "approve": "ask", "scope": "workspace",
                                    "mcp": ["peer"]})")
                         .value();
  EXPECT_EQ(task_of(work)->mcp, std::vector<std::string>{"peer"});
  work.as_object()["mcp"] = json::array{"/tmp/mcp.json"};
  EXPECT_FALSE(task_of(work));
}

}  // namespace
}  // namespace ondol
