// AgentModel: a chat model that can call tools, handed in: an Engine of this process (engine_agent_model.h), a model
// that the server has loaded, or a script in tests.
//
// Messages are OpenAI's, with arguments of tool calls as objects (the rules stand in runtime/chat_style.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/chat_format.h"

namespace ondol {

struct AgentCall {
  std::string id;
  std::string name;
  json::object arguments;
};

/// One answer of the model.
struct AgentTurn {
  std::string reasoning;
  std::string content;
  std::vector<AgentCall> calls;
  bool was_cut = false;      // by max_tokens or the end of the context
  bool was_stopped = false;  // by the sink
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt, that were evaluated before
  int64_t answer_tokens = 0;
};

class AgentModel {
 public:
  virtual ~AgentModel() = default;

  virtual const std::string& name() const = 0;
  virtual int64_t context_length() const = 0;
  virtual int64_t count_tokens(std::string_view text) const = 0;
  /// Whether its template renders tools. Without that they are told in words, and a fenced block is the likelier call.
  virtual bool has_tools() const { return true; }
  /// Of the whole prompt, as the model's template writes it.
  virtual Result<int64_t> count_prompt(const json::array& messages, const std::vector<ToolDefinition>& tools) const = 0;

  struct Wish {
    json::array messages;
    std::vector<ToolDefinition> tools;
    ToolChoice tool_choice = ToolChoice::kAuto;
    GrammarPtr content;  // binds the content where there is no call; null: free text
    int max_tokens = 1024;
    int reasoning_budget = 0;  // tokens; -1: as many as the model likes
    double temperature = 0;
    uint64_t seed = 0;
    /// Receives the answer as it is made; false stops it.
    std::function<bool(const AnswerDelta& delta)> sink;
  };
  /// Grammar-constrained: every call parses and fits its schema. Threads: one at a time.
  virtual Result<AgentTurn> generate(const Wish& wish) = 0;
};

}  // namespace ondol
