// Agents on a model that the server has loaded.
#include "server/served_agent_model.h"

#include <latch>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "agent/loop.h"
#include "runtime/conversation.h"
#include "server/wait_for_model.h"
#include "tests/agent/loop_bench.h"
#include "tests/server/api_client.h"

namespace ondol::server {
namespace {

constexpr int kAgents = 100;
constexpr size_t kPrefixTokens = 3000;

/// A model of the pool, with room for all who run at once.
class ServedAgent : public testing::Test {
 protected:
  ServedAgent() {
    PoolOptions options = ApiServer::sample_options();
    options.load.engine.context = {1 << 16};
    pool_ = ModelPool::create(std::move(options)).value();
    model_ = wait_for_model(*pool_, "", [] { return true; }).value().model;
  }

  std::unique_ptr<ServedAgentModel> agent(std::function<bool()> goes_on = {}) const {
    return ServedAgentModel::create(model_, {{}, "agents", std::move(goes_on)}).value();
  }
  const Tokenizer& tokenizer() const { return model_->tokenizer(); }

  std::vector<TokenId> prompt_of(const AgentModel::Wish& wish) const {
    ChatInput chat;
    chat.messages = wish.messages;
    chat.tools = wish.tools;
    chat.variables = {{"enable_thinking", false}, {"thinking", false}, {"reasoning_effort", "low"}};
    const auto prompt = render_chat(*model_->engine().chat_template(), tokenizer(), model_->style(), chat);
    EXPECT_TRUE(prompt) << prompt.error().message();
    return prompt_tokens(tokenizer(), *prompt);
  }

  std::unique_ptr<ModelPool> pool_;
  ModelUse model_;
};

/// Keeps what the loop asks of another model.
class ListeningModel final : public AgentModel {
 public:
  explicit ListeningModel(std::unique_ptr<AgentModel> model) : model_(std::move(model)) {}
  const std::string& name() const override { return model_->name(); }
  int64_t context_length() const override { return model_->context_length(); }
  int64_t count_tokens(std::string_view text) const override { return model_->count_tokens(text); }
  bool has_tools() const override { return model_->has_tools(); }
  Result<int64_t> count_prompt(const json::array& messages, const std::vector<ToolDefinition>& tools) const override {
    return model_->count_prompt(messages, tools);
  }
  Result<AgentTurn> generate(const Wish& wish) override {
    wishes.push_back(wish);
    if (before) before();
    if (!answers) {
      AgentTurn silence;
      silence.content = "silence";
      return silence;
    }
    auto turn = model_->generate(wish);
    if (turn) turns.push_back(*turn);
    return turn;
  }

  std::vector<Wish> wishes;
  std::vector<AgentTurn> turns;
  std::function<void()> before;
  bool answers = true;

 private:
  std::unique_ptr<AgentModel> model_;
};

/// One agent with one question to the model.
class Agent {
 public:
  Agent(std::unique_ptr<AgentModel> model, const std::string& letters, std::string instructions)
      : model_(std::move(model)),
        workspace_(Workspace::open(folder_.path()).value()),
        context_{workspace_, sandbox_, [] { return true; }, {}},
        session_(AgentSession::create(folder_.path() + "/sessions", {{"workspace", "/w"}, {"marks", letters}}).value()),
        instructions_(std::move(instructions)) {}

  ListeningModel& model() { return model_; }

  LoopOutcome run(const std::string& goal) {
    LoopOptions options;
    options.budget.turns = 1;
    options.answer_tokens = 4;
    options.instructions = instructions_;
    AgentLoop loop({.model = model_,
                    .tools = {&tool_},
                    .context = context_,
                    .session = session_,
                    .approvals = approvals_,
                    .secrets = secrets_,
                    .skills = {},
                    .approve = {},
                    .observer = {},
                    .stream = {},
                    .seconds_now = {}},
                   options);
    return loop.run(goal).value();
  }

 private:
  TestFolder folder_;
  ListeningModel model_;
  Workspace workspace_;
  NoSandbox sandbox_;
  ToolContext context_;
  AgentSession session_;
  ApprovalMemory approvals_ = ApprovalMemory::open("", "/w").value();
  SecretFilter secrets_;
  SampleTool tool_{"look", "Looks.", Effect::kReads, [](const json::object&) { return ToolResult{"nothing"}; }};
  std::string instructions_;
};

size_t n_common(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// The prompts of a hundred sessions that differ from the first token on that differs: what two of them have in common
/// all of them have.
struct Prompts {
  std::vector<std::string> letters;
  std::vector<std::vector<TokenId>> tokens;
  size_t n_common = 0;
};

class ManyAgents : public ServedAgent {
 protected:
  std::vector<TokenId> prompt(const std::string& letters, const std::string& instructions) const {
    Agent agent(this->agent(), letters, instructions);
    agent.model().answers = false;
    agent.run("Look.");
    return prompt_of(agent.model().wishes.front());
  }

  Prompts prompts(const std::string& instructions) const {
    Prompts found;
    const std::vector<TokenId> other = prompt("a", instructions);
    found.tokens = {prompt("1", instructions)};
    found.letters = {"1"};
    found.n_common = n_common(found.tokens[0], other);
    std::set<TokenId> seen = {found.tokens[0][found.n_common]};
    for (TokenId id = 0; id < tokenizer().vocabulary_size() && found.letters.size() < kAgents; ++id) {
      std::string piece = tokenizer().piece(id, false);
      std::erase(piece, ' ');
      if (piece.empty() || piece.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos) continue;
      std::vector<TokenId> tokens = prompt(piece, instructions);
      if (n_common(tokens, found.tokens[0]) != found.n_common || !seen.insert(tokens[found.n_common]).second) continue;
      found.letters.push_back(piece);
      found.tokens.push_back(std::move(tokens));
    }
    return found;
  }

  /// Instructions that make what all prompts have in common exactly so long.
  std::string instructions(size_t n_tokens) const {
    std::string text = "Work.";
    for (size_t n = n_common(prompt("1", text), prompt("a", text)); n != n_tokens;) {
      EXPECT_LT(n, n_tokens);
      if (n >= n_tokens) break;
      const size_t step = n_tokens - n > 16 ? (n_tokens - n) / 8 : 1;
      for (size_t i = 0; i < step; ++i) text += " once";
      n = n_common(prompt("1", text), prompt("a", text));
    }
    return text;
  }
};

TEST_F(ManyAgents, APrefixThatAHundredHaveInCommonIsComputedOnce) {
  const std::string text = instructions(kPrefixTokens);
  const Prompts expected = prompts(text);
  ASSERT_EQ(expected.n_common, kPrefixTokens);
  ASSERT_EQ(expected.letters.size(), size_t{kAgents});
  int64_t n_own = 0, n_all = 0;
  for (const auto& tokens : expected.tokens) {
    n_all += static_cast<int64_t>(tokens.size());
    n_own += static_cast<int64_t>(tokens.size() - kPrefixTokens);
  }

  std::latch together(kAgents);
  std::vector<std::unique_ptr<Agent>> agents;
  std::vector<std::thread> threads;
  for (const std::string& letters : expected.letters) {
    agents.push_back(std::make_unique<Agent>(agent(), letters, text));
    agents.back()->model().before = [&] { together.arrive_and_wait(); };
    threads.emplace_back([&agent = *agents.back()] { EXPECT_EQ(agent.run("Look.").reason, "turns"); });
  }
  for (std::thread& thread : threads) thread.join();

  const SchedulerStats stats = model_->scheduler().stats();
  EXPECT_EQ(stats.n_requests, uint64_t{kAgents});
  EXPECT_EQ(stats.n_preempted, 0u);
  EXPECT_EQ(static_cast<int64_t>(stats.n_prompt_tokens), n_all);
  EXPECT_EQ(static_cast<int64_t>(stats.n_prompt_tokens - stats.n_cached_tokens),
            static_cast<int64_t>(kPrefixTokens) + n_own);
  // Rows of passes: these, and a row for each token that was chosen but the last.
  EXPECT_LE(stats.n_rows, kPrefixTokens + static_cast<uint64_t>(n_own) + stats.n_generated_tokens);
  // What agents are told about it is the same.
  int64_t n_evaluated = 0;
  int n_first = 0;
  for (size_t i = 0; i < agents.size(); ++i) {
    ASSERT_EQ(agents[i]->model().turns.size(), 1u);
    const AgentTurn& turn = agents[i]->model().turns.front();
    EXPECT_EQ(turn.prompt_tokens, static_cast<int64_t>(expected.tokens[i].size()));
    EXPECT_EQ(turn.cached_tokens, turn.cached_tokens == 0 ? 0 : static_cast<int64_t>(kPrefixTokens));
    n_first += turn.cached_tokens == 0;
    n_evaluated += turn.prompt_tokens - turn.cached_tokens;
  }
  EXPECT_EQ(n_first, 1);
  EXPECT_EQ(n_evaluated, static_cast<int64_t>(kPrefixTokens) + n_own);
}

TEST_F(ServedAgent, CallsParseAndFit) {
  const auto model = agent();
  AgentModel::Wish wish;
  wish.messages = {chat_message("user", "Light!")};
  wish.tools = {{"set_lamp", "Switch a lamp.", *parse_json(R"({"type": "object", "properties": {"room": {"enum":
      ["hall", "kitchen"]}}, "required": ["room"]})")}};
  wish.tool_choice = ToolChoice::kRequired;
  wish.content = grammar_from_gbnf("root ::= \"-\"").value();  // the call comes at once
  wish.max_tokens = 200;
  const auto turn = model->generate(wish);
  ASSERT_TRUE(turn) << turn.error().message();
  ASSERT_EQ(turn->calls.size(), 1u) << turn->content;
  EXPECT_EQ(turn->calls[0].name, "set_lamp");
  EXPECT_TRUE(string_or(turn->calls[0].arguments, "room", "") == "hall" ||
              string_or(turn->calls[0].arguments, "room", "") == "kitchen");
  EXPECT_EQ(turn->prompt_tokens, model->count_prompt(wish.messages, wish.tools).value());
  EXPECT_GT(turn->answer_tokens, 0);
}

TEST_F(ServedAgent, StopsWhereItIsTold) {
  std::atomic<int> n_asked = 0;
  const auto model = agent([&] { return ++n_asked < 3; });
  AgentModel::Wish wish;
  wish.messages = {chat_message("user", "Once upon a time")};
  wish.max_tokens = 100000;
  const auto turn = model->generate(wish);
  ASSERT_TRUE(turn) << turn.error().message();
  EXPECT_TRUE(turn->was_stopped);
  EXPECT_LT(turn->answer_tokens, 10);
}

TEST_F(ServedAgent, WaitsInLineAndIsStoppedThere) {
  AgentModel::Wish wish;
  wish.messages = {chat_message("user", std::string(60000, 'x'))};
  wish.max_tokens = 1;
  std::atomic<bool> goes_on = true;
  const auto model = agent([&] { return goes_on.load(); });
  std::thread stopper([&] {
    while (model_->scheduler().stats().n_running == 0) std::this_thread::yield();
    goes_on = false;
  });
  const auto turn = model->generate(wish);
  stopper.join();
  EXPECT_TRUE(!turn || turn->was_stopped);
}

}  // namespace
}  // namespace ondol::server
