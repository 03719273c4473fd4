#include "agent/loop.h"

#include <gtest/gtest.h>

#include "tests/agent/loop_bench.h"

namespace ondol {
namespace {

TEST(AgentLoop, AnAnswerWithoutACallIsTheEnd) {
  LoopBench bench({"Nothing to do."});
  const LoopOutcome outcome = bench.run("Say it.");
  EXPECT_EQ(outcome.reason, "done");
  EXPECT_EQ(outcome.text, "Nothing to do.");
  EXPECT_EQ(outcome.turns, 1);
  ASSERT_EQ(bench.steps("end").size(), 1u);
  EXPECT_EQ(string_or(bench.steps("end")[0], "reason", ""), "done");
  // All steps but the header are told as they are written.
  EXPECT_EQ(bench.seen.size() + 1, bench.session->steps().size());
}

TEST(AgentLoop, CallsAreObserved) {
  LoopBench bench({"I look." + scripted_call("read_file", R"({"path": "a.txt"})"), "It says hello."});
  bench.files["a.txt"] = "hello";
  const LoopOutcome outcome = bench.run("What is in a.txt?");
  EXPECT_EQ(outcome.reason, "done");
  ASSERT_EQ(bench.tool("read_file").calls.size(), 1u);
  EXPECT_EQ(string_or(bench.tool("read_file").calls[0], "path", ""), "a.txt");
  ASSERT_EQ(bench.steps("result").size(), 1u);
  EXPECT_EQ(string_or(bench.steps("result")[0], "text", ""), "hello");
  EXPECT_NE(bench.model.prompts()[1].find("hello"), std::string::npos);
}

TEST(AgentLoop, TheGrammarKeepsCallsToTheTools) {
  // A tool that does not exist, and an argument of the wrong type: neither can be said.
  LoopBench bench({scripted_call("delete_all", R"({"path": 7, "force": true})"), "done"});
  bench.options.answer_tokens = 200;
  bench.run("Do it.");
  for (const json::object& answer : bench.steps("answer")) {
    for (const json::value& call : answer.at("calls").as_array()) {
      const std::string name = string_or(call, "name", "");
      EXPECT_TRUE(name == "read_file" || name == "write_file" || name == "run_shell" || name == "fetch" ||
                  name == "read_result")
          << name;
      for (const auto& argument : call.at("arguments").as_object()) EXPECT_NE(argument.key(), "force");
    }
  }
}

TEST(AgentLoop, SeveralCallsInAnAnswerRunInTurn) {
  LoopBench bench(
      {scripted_call("read_file", R"({"path": "a"})") + "\n" + scripted_call("read_file", R"({"path": "b"})"), "ok"});
  bench.files = {{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(bench.run("Read both.").reason, "done");
  ASSERT_EQ(bench.tool("read_file").calls.size(), 2u);
  EXPECT_EQ(string_or(bench.tool("read_file").calls[1], "path", ""), "b");
  EXPECT_EQ(bench.steps("result").size(), 2u);
}

TEST(AgentLoop, BudgetOfTurns) {
  LoopBench bench({});
  for (int i = 0; i < 10; ++i) bench.model.say(scripted_call("read_file", "{\"path\": \"" + std::to_string(i) + "\"}"));
  bench.options.budget.turns = 3;
  const LoopOutcome outcome = bench.run("Go on.");
  EXPECT_EQ(outcome.reason, "turns");
  EXPECT_EQ(outcome.turns, 3);
  EXPECT_EQ(bench.model.n_said(), 3u);
}

TEST(AgentLoop, BudgetOfTokens) {
  LoopBench bench({});
  for (int i = 0; i < 10; ++i) bench.model.say(scripted_call("read_file", "{\"path\": \"" + std::to_string(i) + "\"}"));
  bench.options.budget.tokens = 10;  // less than the first prompt
  const LoopOutcome outcome = bench.run("Go on.");
  EXPECT_EQ(outcome.reason, "tokens");
  EXPECT_EQ(outcome.turns, 1);
}

TEST(AgentLoop, BudgetOfSeconds) {
  LoopBench bench({});
  for (int i = 0; i < 10; ++i) bench.model.say(scripted_call("read_file", "{\"path\": \"" + std::to_string(i) + "\"}"));
  bench.options.budget.seconds = 5;
  bench.model.on_prompt = [&](const std::string&) { bench.now += 3; };
  const LoopOutcome outcome = bench.run("Go on.");
  EXPECT_EQ(outcome.reason, "seconds");
  EXPECT_EQ(outcome.turns, 2);
  EXPECT_EQ(outcome.seconds, 6);
}

TEST(AgentLoop, RefusedCallsDoNotRun) {
  LoopBench bench({scripted_call("write_file", R"({"path": "a", "content": "x"})"), "I may not."});
  bench.answer_with(ApprovalAnswer::kNo);
  EXPECT_EQ(bench.run("Write.").text, "I may not.");
  EXPECT_TRUE(bench.tool("write_file").calls.empty());
  ASSERT_EQ(bench.asked.size(), 1u);
  EXPECT_NE(bench.asked[0].preview.find("write_file"), std::string::npos);
  EXPECT_EQ(string_or(bench.steps("call")[0], "verdict", ""), "refused");
  EXPECT_TRUE(bool_or(bench.steps("result")[0], "is_error", false));
  EXPECT_NE(bench.model.prompts()[1].find("the user said no"), std::string::npos);
}

TEST(AgentLoop, WaitsForWhoeverApprovesLater) {
  LoopBench bench({scripted_call("write_file", R"({"path": "a", "content": "x"})"), "Written."});
  bench.answer_with(ApprovalAnswer::kLater);
  const LoopOutcome asking = bench.run("Write.");
  EXPECT_EQ(asking.reason, "asking");
  EXPECT_NE(asking.text.find("write_file"), std::string::npos);
  EXPECT_TRUE(bench.tool("write_file").calls.empty());
  EXPECT_TRUE(bench.steps("call").empty());
  bench.reopen();
  bench.answer_with(ApprovalAnswer::kOnce);
  EXPECT_EQ(bench.run("").text, "Written.");
  EXPECT_EQ(bench.tool("write_file").calls.size(), 1u);
  EXPECT_EQ(bench.model.prompts().size(), 2u) << "the model is not asked twice for the same call";
}

TEST(AgentLoop, WithoutAnybodyToAskNothingIsChanged) {
  LoopBench bench({scripted_call("write_file", R"({"path": "a", "content": "x"})"), "ok"});
  bench.run("Write.");
  EXPECT_TRUE(bench.tool("write_file").calls.empty());
  EXPECT_NE(string_or(bench.steps("call")[0], "reason", "").find("nobody is there"), std::string::npos);
}

TEST(AgentLoop, ApprovedOnceIsAskedAgain) {
  const std::string write = scripted_call("write_file", R"({"path": "a", "content": "x"})");
  LoopBench bench({write, write, "ok"});
  bench.answer_with(ApprovalAnswer::kOnce);
  bench.run("Write twice.");
  EXPECT_EQ(bench.tool("write_file").calls.size(), 2u);
  EXPECT_EQ(bench.asked.size(), 2u);
  EXPECT_TRUE(bench.approvals.all().empty());
}

TEST(AgentLoop, AlwaysIsRememberedForExactlyThat) {
  const auto run = [](const std::string& command) {
    return scripted_call("run_shell", "{\"command\": \"" + command + "\"}");
  };
  LoopBench bench({run("ls"), run("ls"), run("ls -a"), "ok"});
  bench.answer_with(ApprovalAnswer::kAlways);
  bench.run("List.");
  EXPECT_EQ(bench.tool("run_shell").calls.size(), 3u);
  ASSERT_EQ(bench.asked.size(), 2u) << "another command is another question";
  EXPECT_EQ(bench.asked[0].always->pattern, R"(exactly:{"command":"ls"})");
  EXPECT_EQ(string_or(bench.steps("call")[1], "verdict", ""), "remembered");
}

TEST(AgentLoop, TheScopeRefusesWithoutAsking) {
  LoopBench bench({scripted_call("write_file", R"({"path": "a", "content": "x"})"),
                   scripted_call("fetch", R"({"host": "example.org"})"), "ok"});
  bench.options.policy.scope = Scope::kReadOnly;
  bench.answer_with(ApprovalAnswer::kAlways);
  bench.run("Try.");
  EXPECT_TRUE(bench.asked.empty());
  EXPECT_TRUE(bench.tool("write_file").calls.empty());
  EXPECT_TRUE(bench.tool("fetch").calls.empty());
}

TEST(AgentLoop, AnImpossibleCallIsToldWithoutAsking) {
  LoopBench bench({scripted_call("write_file", R"({"path": "impossible", "content": "x"})"), "ok"});
  bench.answer_with(ApprovalAnswer::kAlways);
  bench.run("Write.");
  EXPECT_TRUE(bench.asked.empty());
  EXPECT_EQ(string_or(bench.steps("result")[0], "text", ""), "there is no such place");
}

TEST(AgentLoop, ToolErrorsAreTold) {
  LoopBench bench({scripted_call("broken", R"({"path": "x"})"), "It is broken."});
  bench.add("broken", "Never works.", Effect::kReads,
            [](const json::object&) -> Result<ToolResult> { return Error("the sandbox is gone"); });
  EXPECT_EQ(bench.run("Try.").reason, "done");
  EXPECT_NE(bench.model.prompts()[1].find("the sandbox is gone"), std::string::npos);
}

TEST(AgentLoop, TheSameFailureIsNotRunForEver) {
  LoopBench bench({});
  for (int i = 0; i < 20; ++i) bench.model.say(scripted_call("read_file", R"({"path": "none"})"));
  const LoopOutcome outcome = bench.run("Read it.");
  EXPECT_EQ(outcome.reason, "stuck");
  EXPECT_EQ(bench.tool("read_file").calls.size(), 2u);
  EXPECT_EQ(outcome.turns, 5);
  EXPECT_NE(string_or(bench.steps("result")[2], "text", "").find("has failed 2 times"), std::string::npos);
}

TEST(AgentLoop, ASuccessInBetweenForgetsFailures) {
  LoopBench bench({});
  for (int i = 0; i < 4; ++i) bench.model.say(scripted_call("read_file", R"({"path": "late"})"));
  bench.model.say("ok");
  bench.model.on_prompt = [&](const std::string&) {
    bench.files.clear();
    if (bench.model.n_said() == 1) bench.files["late"] = "here";
  };
  EXPECT_EQ(bench.run("Read it.").reason, "done");
  EXPECT_EQ(bench.tool("read_file").calls.size(), 4u);
}

TEST(AgentLoop, EmptyAnswersAreAskedFor) {
  LoopBench bench({"", "", "Here."});
  EXPECT_EQ(bench.run("Speak.").text, "Here.");
  EXPECT_EQ(bench.steps("note").size(), 2u);
}

TEST(AgentLoop, NothingButEmptyAnswersEnds) {
  LoopBench bench({});
  const LoopOutcome outcome = bench.run("Speak.");
  EXPECT_EQ(outcome.reason, "stuck");
  EXPECT_EQ(outcome.turns, 3);
}

TEST(AgentLoop, AnswersWithoutAnEndAreCut) {
  const std::string words(4000, 'x');
  LoopBench bench({words, words, words});
  bench.options.answer_tokens = 50;
  const LoopOutcome outcome = bench.run("Speak.");
  EXPECT_EQ(outcome.reason, "stuck");
  EXPECT_NE(bench.model.prompts()[1].find("cut off"), std::string::npos);
}

TEST(AgentLoop, CancellingEndsAtOnce) {
  LoopBench bench({std::string(500, 'x')});
  int n_tokens = 0;
  bench.model.on_token = [&] { bench.goes_on = ++n_tokens < 5; };
  const LoopOutcome outcome = bench.run("Speak.");
  EXPECT_EQ(outcome.reason, "cancelled");
  EXPECT_LE(n_tokens, 6);
  EXPECT_TRUE(bench.steps("answer").empty());
  EXPECT_EQ(bench.steps("end").size(), 1u);
}

TEST(AgentLoop, CancellingWithinACallKeepsItsResult) {
  LoopBench bench({scripted_call("slow", R"({"path": "x"})") + scripted_call("read_file", R"({"path": "a"})")});
  bench.add("slow", "Takes long.", Effect::kReads, [&](const json::object&) {
    bench.goes_on = false;
    return ToolResult{"cancelled", true};
  });
  EXPECT_EQ(bench.run("Wait.").reason, "cancelled");
  EXPECT_EQ(bench.steps("result").size(), 1u);
  EXPECT_TRUE(bench.tool("read_file").calls.empty());
  EXPECT_EQ(bench.model.n_said(), 1u);
}

TEST(AgentLoop, LongResultsAreTrimmedAndCanBeReadOn) {
  LoopBench bench({scripted_call("read_file", R"({"path": "long"})"),
                   scripted_call("read_result", R"({"result": 1, "find": "line 500 "})"), "Found."});
  for (int i = 0; i < 1000; ++i) bench.files["long"] += "line " + std::to_string(i) + " of the file\n";
  bench.options.result_tokens = 200;
  EXPECT_EQ(bench.run("Find line 500.").reason, "done");
  const std::string first = string_or(bench.steps("result")[0], "text", "");
  EXPECT_TRUE(first.starts_with("line 0 of the file\nline 1 "));
  EXPECT_TRUE(first.ends_with("line 999 of the file\n"));
  EXPECT_NE(first.find("left out; the whole: read_result {\"result\": 1}"), std::string::npos);
  EXPECT_LE(bench.model.count_tokens(first), 240);
  EXPECT_EQ(bench.session->result(1).value(), bench.files["long"]);
  const std::string second = string_or(bench.steps("result")[1], "text", "");
  EXPECT_NE(second.find("line 490 "), std::string::npos);
  EXPECT_TRUE(bool_or(bench.steps("result")[1], "is_untrusted", false)) << "it is the same strangers' text";
}

TEST(AgentLoop, LongHistoriesAreShortened) {
  LoopBench bench({}, 6000);
  for (int i = 0; i < 12; ++i) {
    const std::string name = "file" + std::to_string(i);
    for (int line = 0; line < 40; ++line) bench.files[name] += "number " + std::to_string(i * 100 + line) + "\n";
    bench.model.say(scripted_call("read_file", "{\"path\": \"" + name + "\"}"));
  }
  bench.model.say("All read.");
  bench.options.answer_tokens = 100;
  const LoopOutcome outcome = bench.run("Read all of THE GOAL's files.");
  EXPECT_EQ(outcome.reason, "done");
  EXPECT_FALSE(bench.steps("compaction").empty());
  const std::string& last = bench.model.prompts().back();
  EXPECT_NE(last.find("THE GOAL"), std::string::npos);
  EXPECT_NE(last.find("number 1139"), std::string::npos) << "the latest result is there as it was";
  EXPECT_EQ(last.find("number 5\n"), std::string::npos);
  EXPECT_NE(last.find("file0"), std::string::npos) << "the first call is still named";
  for (const json::object& answer : bench.steps("answer")) {
    EXPECT_LE(int_or(answer, "prompt_tokens", 0) + 100, 6000);
  }
}

TEST(AgentLoop, AGoalThatDoesNotFitIsSaid) {
  LoopBench bench({"ok"}, 600);
  EXPECT_EQ(bench.run(std::string(5000, 'x')).reason, "context");
  EXPECT_EQ(bench.model.n_said(), 0u);
}

TEST(AgentLoop, PromptsBeginAsTheLastOneDid) {
  LoopBench bench(
      {scripted_call("read_file", R"({"path": "a"})"), scripted_call("read_file", R"({"path": "b"})"), "ok"});
  bench.files = {{"a", "1"}, {"b", "2"}};
  bench.run("Read both.");
  const auto answers = bench.steps("answer");
  ASSERT_EQ(answers.size(), 3u);
  for (size_t i = 1; i < answers.size(); ++i) {
    const std::string& before = bench.model.prompts()[i - 1];
    EXPECT_TRUE(bench.model.prompts()[i].starts_with(before.substr(0, before.size() - 1))) << i;
    EXPECT_GE(int_or(answers[i], "cached_tokens", 0), int_or(answers[i - 1], "prompt_tokens", 0) - 1);
  }
}

}  // namespace
}  // namespace ondol
