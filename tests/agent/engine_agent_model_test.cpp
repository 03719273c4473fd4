#include "agent/engine_agent_model.h"

#include <gtest/gtest.h>

#include "runtime/conversation.h"
#include "tests/runtime/generation.h"

namespace ondol {
namespace {

std::vector<ToolDefinition> tools() {
  return {{"set_lamp", "Switch a lamp.", *parse_json(R"({"type": "object", "properties": {"room": {"enum": ["hall",
      "kitchen"]}, "on": {"type": "boolean"}}, "required": ["room", "on"]})")},
          {"tell_time", "Tell the time.", *parse_json(R"({"type": "object", "properties": {}})")}};
}

AgentModel::Wish wish(const std::string& text) {
  AgentModel::Wish wish;
  wish.messages = {chat_message("system", "Help."), chat_message("user", text)};
  wish.tools = tools();
  wish.max_tokens = 120;
  return wish;
}

std::unique_ptr<EngineAgentModel> sample(std::function<bool()> goes_on = {}) {
  auto model = EngineAgentModel::create(open(sample_model(), 2048), "sample", std::move(goes_on));
  EXPECT_TRUE(model) << model.error().message();
  return std::move(*model);
}

TEST(EngineAgentModel, EveryCallParsesAndFits) {
  const auto model = sample();
  int n_calls = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    AgentModel::Wish wanted = wish("Light in the hall!");
    wanted.tool_choice = ToolChoice::kRequired;
    // Before a call any text may stand, unless the content is bound: then the call comes at once.
    wanted.content = grammar_from_gbnf("root ::= \"-\"").value();
    wanted.temperature = 1.2;  // nonsense, as far as the grammar lets it
    wanted.seed = seed;
    const auto turn = model->generate(wanted);
    ASSERT_TRUE(turn) << turn.error().message();
    EXPECT_TRUE(turn->was_cut || !turn->calls.empty());
    for (const AgentCall& call : turn->calls) {
      ++n_calls;
      if (call.name == "tell_time") {
        EXPECT_TRUE(call.arguments.empty());
        continue;
      }
      EXPECT_EQ(call.name, "set_lamp");
      ASSERT_EQ(call.arguments.size(), 2u);
      const std::string room = string_or(call.arguments, "room", "");
      EXPECT_TRUE(room == "hall" || room == "kitchen") << room;
      EXPECT_TRUE(call.arguments.at("on").is_bool());
    }
  }
  EXPECT_GE(n_calls, 4);
}

TEST(EngineAgentModel, ThePromptsBeginningIsCached) {
  const auto model = sample();
  const auto first = model->generate(wish("Light in the hall!"));
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->cached_tokens, 0);
  AgentModel::Wish second = wish("Light in the hall!");
  second.messages.push_back(chat_message("assistant", "It is on."));
  second.messages.push_back(chat_message("user", "Now off."));
  const auto turn = model->generate(second);
  ASSERT_TRUE(turn) << turn.error().message();
  EXPECT_GE(turn->cached_tokens, first->prompt_tokens - 2);
  EXPECT_EQ(turn->prompt_tokens, model->count_prompt(second.messages, second.tools).value());
}

TEST(EngineAgentModel, StopsWhereItIsTold) {
  const auto model = sample();
  AgentModel::Wish wanted = wish("Talk.");
  int n = 0;
  wanted.sink = [&](const AnswerDelta&) { return ++n < 3; };
  const auto turn = model->generate(wanted);
  ASSERT_TRUE(turn) << turn.error().message();
  EXPECT_TRUE(turn->was_stopped || n < 3);
  bool goes_on = false;
  const auto stopped = sample([&] { return goes_on; })->generate(wish("Talk."));
  EXPECT_TRUE(!stopped || stopped->was_stopped);
}

TEST(EngineAgentModel, APromptBeyondTheContextIsAnError) {
  const auto turn = sample()->generate(wish(std::string(20000, 'x')));
  ASSERT_FALSE(turn);
  EXPECT_NE(turn.error().message().find("hint: a longer --ctx"), std::string::npos);
}

TEST(EngineAgentModel, WantsAChatTemplate) {
  const auto model = EngineAgentModel::create(
      open(ONDOL_SOURCE_DIR "/tests/golden/models/llama.gguf", 64, {.needs_tokenizer = false}), "x");
  ASSERT_FALSE(model);
  EXPECT_NE(model.error().message().find("expected a model with a chat template"), std::string::npos);
}

}  // namespace
}  // namespace ondol
