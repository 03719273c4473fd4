#include "agent/agent_session.h"

#include <gtest/gtest.h>

#include <fstream>

#include "agent/recorded_tools.h"
#include "base/files.h"
#include "tests/agent/loop_bench.h"

namespace ondol {
namespace {

std::string lines_of(const AgentSession& session) {
  return read_file(session.folder() + "/steps.jsonl").value();
}

TEST(AgentSession, StepsAreLinesOnTheDisk) {
  const TestFolder scratch;
  auto session = AgentSession::create(scratch.path(), {{"workspace", "/w"}}).value();
  ASSERT_TRUE(session.append({{"type", "goal"}, {"text", "한 일\nzwei"}}));
  const auto steps = AgentSession::read(scratch.path(), session.id()).value();
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(string_or(steps[0], "workspace", ""), "/w");
  EXPECT_EQ(int_or(steps[1], "step", 0), 1);
  EXPECT_EQ(string_or(steps[1], "text", ""), "한 일\nzwei");
  EXPECT_EQ(std::filesystem::status(session.folder()).permissions() & std::filesystem::perms::all,
            std::filesystem::perms(0700));
}

TEST(AgentSession, ALineThatACrashCutOffIsDropped) {
  const TestFolder scratch;
  std::string id;
  {
    auto session = AgentSession::create(scratch.path(), {}).value();
    id = session.id();
    ASSERT_TRUE(session.append({{"type", "goal"}, {"text", "x"}}));
  }
  std::ofstream(scratch.path() + "/" + id + "/steps.jsonl", std::ios::app) << R"({"step":2,"type":"ans)";
  auto session = AgentSession::open(scratch.path(), id).value();
  EXPECT_EQ(session.steps().size(), 2u);
  ASSERT_TRUE(session.append({{"type", "end"}}));
  EXPECT_EQ(AgentSession::read(scratch.path(), id).value().size(), 3u);
}

TEST(AgentSession, DamageInTheMiddleIsAnError) {
  const TestFolder scratch;
  for (const char* text : {"", "{}\n", "nonsense\n", "{\"step\":0,\"type\":\"session\",\"format\":2}\n",
                           "{\"step\":0,\"type\":\"session\",\"format\":1}\n{\"step\":2}\n"}) {
    scratch.write("damaged/steps.jsonl", text);
    EXPECT_FALSE(AgentSession::open(scratch.path(), "damaged")) << text;
  }
  for (const char* id : {"", "..", "a/b", "none", "A"}) EXPECT_FALSE(AgentSession::open(scratch.path(), id)) << id;
}

TEST(AgentSession, TwoProcessesDoNotShareOne) {
  const TestFolder scratch;
  const auto session = AgentSession::create(scratch.path(), {}).value();
  const auto second = AgentSession::open(scratch.path(), session.id());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message().find("another process"), std::string::npos);
  EXPECT_TRUE(AgentSession::read(scratch.path(), session.id())) << "it can be looked at";
}

TEST(AgentSession, ResultsAndBranches) {
  const TestFolder scratch;
  auto session = AgentSession::create(scratch.path(), {}).value();
  EXPECT_EQ(session.keep_result("one").value(), 1);
  EXPECT_EQ(session.keep_result("two").value(), 2);
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(session.append({{"type", "note"}, {"text", text}}));
  auto branch = AgentSession::branch(scratch.path(), session.id(), 2).value();
  EXPECT_NE(branch.id(), session.id());
  EXPECT_EQ(branch.steps().size(), 3u);
  EXPECT_EQ(string_or(branch.header(), "branch_of", ""), session.id());
  EXPECT_EQ(string_or(branch.header(), "marks", ""), string_or(session.header(), "marks", "-"));
  EXPECT_EQ(branch.result(2).value(), "two");
  EXPECT_EQ(branch.keep_result("three").value(), 3);
  EXPECT_FALSE(session.result(3));
  EXPECT_FALSE(branch.result(0));
  EXPECT_FALSE(AgentSession::branch(scratch.path(), session.id(), 4));
  EXPECT_FALSE(AgentSession::branch(scratch.path(), session.id(), 0));
}

TEST(AgentSession, TheList) {
  const TestFolder scratch;
  auto session = AgentSession::create(scratch.path(), {{"workspace", "/w"}, {"model", "m"}}).value();
  ASSERT_TRUE(session.append({{"type", "goal"}, {"text", "first"}}));
  ASSERT_TRUE(session.append({{"type", "goal"}, {"text", "second"}}));
  ASSERT_TRUE(session.append({{"type", "end"}, {"reason", "done"}}));
  scratch.write("broken/steps.jsonl", "x");
  const auto list = AgentSession::list(scratch.path());
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].goal, "first");
  EXPECT_EQ(list[0].end, "done");
  EXPECT_EQ(list[0].n_steps, 4);
  EXPECT_TRUE(AgentSession::list("/nonexistent").empty());
}

TEST(AgentLoopSessions, ResumeSendsTheSamePromptAndGoesOn) {
  LoopBench bench({scripted_call("read_file", R"({"path": "a"})")});
  bench.files["a"] = "hello";
  bench.options.budget.turns = 1;
  EXPECT_EQ(bench.run("Read a.").reason, "turns");
  bench.reopen();
  bench.options.budget.turns = 5;
  bench.model.say("It says hello.");
  EXPECT_EQ(bench.run("").text, "It says hello.");
  ASSERT_EQ(bench.model.prompts().size(), 2u);
  const std::string& first = bench.model.prompts()[0];
  EXPECT_TRUE(bench.model.prompts()[1].starts_with(first.substr(0, first.size() - 1)));
  EXPECT_TRUE(bench.taint.has_untrusted_text) << "what was read before still counts";
  EXPECT_EQ(bench.tool("read_file").calls.size(), 1u);
}

TEST(AgentLoopSessions, ResumeWithAFurtherGoal) {
  LoopBench bench({"Done.", "Done again."});
  bench.run("One.");
  bench.reopen();
  EXPECT_EQ(bench.run("Two.").text, "Done again.");
  EXPECT_NE(bench.model.prompts()[1].find("One."), std::string::npos);
  EXPECT_NE(bench.model.prompts()[1].find("Done."), std::string::npos);
}

TEST(AgentLoopSessions, ACallThatWasNotBegunIsDoneAfterwards) {
  LoopBench bench({scripted_call("read_file", R"({"path": "a"})"), "ok"});
  bench.files["a"] = "hello";
  bench.run("Read a.");
  // As if the process had ended right after the answer: offer, answer.
  const auto answer = bench.steps("answer")[0];
  const std::string id = bench.session->id();
  bench.session.reset();
  bench.session.emplace(
      AgentSession::branch(bench.sessions(), id, static_cast<int>(int_or(answer, "step", 0))).value());
  bench.model.say("ok");
  EXPECT_EQ(bench.run("").reason, "done");
  EXPECT_EQ(bench.tool("read_file").calls.size(), 2u);
}

TEST(AgentLoopSessions, ACallThatWasBegunIsNotDoneTwice) {
  LoopBench bench({scripted_call("write_file", R"({"path": "a", "content": "x"})"), "ok"});
  bench.options.policy.approval = Approval::kAuto;
  bench.run("Write a.");
  const auto call = bench.steps("call")[0];
  const std::string id = bench.session->id();
  bench.session.reset();
  bench.session.emplace(AgentSession::branch(bench.sessions(), id, static_cast<int>(int_or(call, "step", 0))).value());
  bench.model.say("ok");
  EXPECT_EQ(bench.run("").reason, "done");
  EXPECT_EQ(bench.tool("write_file").calls.size(), 1u);
  EXPECT_NE(bench.model.prompts().back().find("nobody knows whether it was done"), std::string::npos);
}

TEST(AgentLoopSessions, ABranchLeavesTheOldSessionAlone) {
  LoopBench bench({scripted_call("read_file", R"({"path": "a"})"), "First end."});
  bench.files["a"] = "hello";
  bench.run("Read a.");
  const std::string before = lines_of(*bench.session);
  const auto result = bench.steps("result")[0];
  const std::string id = bench.session->id(), folder = bench.session->folder();
  bench.session.reset();
  bench.session.emplace(
      AgentSession::branch(bench.sessions(), id, static_cast<int>(int_or(result, "step", 0))).value());
  bench.model.say("Second end.");
  EXPECT_EQ(bench.run("").text, "Second end.");
  EXPECT_EQ(read_file(folder + "/steps.jsonl").value(), before);
}

TEST(AgentLoopSessions, ReplayingWithRecordedResultsRunsNothing) {
  LoopBench bench({scripted_call("read_file", R"({"path": "a"})"),
                   scripted_call("write_file", R"({"path": "b", "content": "x"})"), "End."});
  bench.files["a"] = "hello";
  bench.options.policy.approval = Approval::kAuto;
  bench.run("Copy.");
  const auto steps = bench.session->steps();

  LoopBench again({scripted_call("read_file", R"({"path": "a"})"), scripted_call("read_file", R"({"path": "other"})"),
                   scripted_call("write_file", R"({"path": "b", "content": "x"})"), "End."});
  std::vector<Tool*> originals;
  for (const auto& tool : again.tools) originals.push_back(tool.get());
  const auto recorded = record_tools(originals, steps);
  again.instead = recorded;
  EXPECT_EQ(again.run("Copy.").text, "End.");
  for (const auto& tool : again.tools) EXPECT_TRUE(tool->calls.empty());
  ASSERT_EQ(again.steps("result").size(), 3u);
  EXPECT_EQ(string_or(again.steps("result")[0], "text", ""), "hello");
  EXPECT_TRUE(bool_or(again.steps("result")[0], "is_untrusted", false));
  EXPECT_NE(string_or(again.steps("result")[1], "text", "").find("has no such call"), std::string::npos);
  EXPECT_EQ(string_or(again.steps("result")[2], "text", ""), "written");
}

}  // namespace
}  // namespace ondol
