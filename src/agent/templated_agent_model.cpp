#include "agent/templated_agent_model.h"

#include <fmt/format.h>

namespace ondol {
namespace {

/// Turns the parser's pieces into an AgentTurn.
class TurnWriter {
 public:
  explicit TurnWriter(const std::function<bool(const AnswerDelta&)>& sink) : sink_(sink) {}

  bool take(const std::vector<AnswerDelta>& deltas) {
    bool goes_on = true;
    for (const AnswerDelta& delta : deltas) {
      add(delta);
      if (sink_ && !sink_(delta)) goes_on = false;
    }
    return goes_on;
  }

  /// Calls that the end of the text cut off are dropped: they have no arguments that fit.
  AgentTurn finish() {
    std::vector<AgentCall> whole;
    for (size_t i = 0; i < turn_.calls.size(); ++i) {
      auto arguments = parse_json(arguments_[i]);
      if (!arguments || !arguments->is_object()) continue;
      turn_.calls[i].arguments = std::move(arguments->get_object());
      whole.push_back(std::move(turn_.calls[i]));
    }
    turn_.calls = std::move(whole);
    return std::move(turn_);
  }

 private:
  void add(const AnswerDelta& delta) {
    switch (delta.kind) {
      case AnswerDelta::Kind::kReasoning:
        turn_.reasoning += delta.text;
        return;
      case AnswerDelta::Kind::kContent:
        turn_.content += delta.text;
        return;
      case AnswerDelta::Kind::kCallBegin:
        turn_.calls.push_back({delta.id, delta.text, {}});
        arguments_.emplace_back();
        return;
      case AnswerDelta::Kind::kCallArguments:
        if (!arguments_.empty()) arguments_.back() += delta.text;
        return;
      case AnswerDelta::Kind::kCallEnd:
        if (!turn_.calls.empty() && !delta.id.empty()) turn_.calls.back().id = delta.id;
        return;
    }
  }

  const std::function<bool(const AnswerDelta&)>& sink_;
  AgentTurn turn_;
  std::vector<std::string> arguments_;
};

}  // namespace

TemplatedAgentModel::TemplatedAgentModel(Parts parts)
    : name_(std::move(parts.name)),
      context_length_(parts.context_length),
      tokenizer_(std::move(parts.tokenizer)),
      chat_template_(std::move(parts.chat_template)),
      style_(ChatStyle::of(&chat_template_, parts.template_source, *tokenizer_)),
      vocabulary_(parts.vocabulary != nullptr ? std::move(parts.vocabulary) : MaskVocabulary::create(tokenizer_)) {}

int64_t TemplatedAgentModel::count_tokens(std::string_view text) const {
  return static_cast<int64_t>(tokenizer_->encode(text, false, SpecialTokens::kAsPlainText).size());
}

Result<PromptText> TemplatedAgentModel::rendered(const json::array& messages, const std::vector<ToolDefinition>& tools,
                                                 bool may_reason) const {
  ChatInput chat;
  chat.messages = messages;
  chat.tools = tools;
  // gpt-oss cannot be told not to think, only to think little.
  if (!may_reason) chat.variables = {{"enable_thinking", false}, {"thinking", false}, {"reasoning_effort", "low"}};
  auto prompt = render_chat(chat_template_, *tokenizer_, style_, chat);
  if (prompt) return prompt;
  chat.merges = true;
  auto second = render_chat(chat_template_, *tokenizer_, style_, chat);
  if (second) return second;
  return prompt.error().in("the model's chat template");
}

Result<int64_t> TemplatedAgentModel::count_prompt(const json::array& messages,
                                                  const std::vector<ToolDefinition>& tools) const {
  const PromptText prompt = ONDOL_TRY(rendered(messages, tools, false));
  return static_cast<int64_t>(prompt_tokens(*tokenizer_, prompt).size());
}

Result<AgentTurn> TemplatedAgentModel::generate(const Wish& wish) {
  const bool may_reason = wish.reasoning_budget != 0;
  const PromptText prompt = ONDOL_TRY(rendered(wish.messages, wish.tools, may_reason));
  const std::vector<TokenId> tokens = prompt_tokens(*tokenizer_, prompt);
  if (static_cast<int64_t>(tokens.size()) >= context_length_) {
    return Error(fmt::format("{}: the prompt has {} tokens, the context {}; hint: a longer --ctx", name_, tokens.size(),
                             context_length_));
  }
  AnswerDemand demand;
  demand.tools = wish.tools;
  demand.tool_choice = wish.tools.empty() ? ToolChoice::kNone : wish.tool_choice;
  demand.content = wish.content;
  demand.may_reason = may_reason && style_.format->has_reasoning();
  const GrammarPtr grammar = ONDOL_TRY(style_.format->grammar(demand, prompt.text));
  Continuation wanted;
  wanted.prompt = tokens;
  if (grammar != nullptr) wanted.constraint = constrain(grammar, vocabulary_);
  wanted.sampling.temperature = static_cast<float>(wish.temperature);
  wanted.sampling.seed = wish.seed;
  const auto parser = style_.format->parser(demand, prompt.text);
  TurnWriter writer(wish.sink);
  GenerateOptions& options = wanted.options;
  options.max_tokens = wish.max_tokens;
  options.constraint = wanted.constraint.get();
  options.show_special = true;  // calls are told by them
  options.reasoning_budget = wish.reasoning_budget;
  if (wish.reasoning_budget >= 0) {
    options.reasoning_end = tokenizer_->encode(style_.format->reasoning_end(), false, SpecialTokens::kParse);
    options.is_reasoning = [&] { return parser->is_reasoning(); };
    if (options.reasoning_end.empty()) options.reasoning_budget = -1;
  }
  const auto sink = [&](std::string_view text) { return writer.take(parser->push(text)); };
  const Generated generated = ONDOL_TRY(continue_prompt(std::move(wanted), sink));
  writer.take(parser->finish());
  AgentTurn turn = writer.finish();
  turn.was_cut = generated.reason == StopReason::kMaxTokens || generated.reason == StopReason::kContextFull;
  turn.was_stopped = generated.reason == StopReason::kCancelled;
  turn.prompt_tokens = static_cast<int64_t>(tokens.size());
  turn.cached_tokens = generated.n_reused;
  turn.answer_tokens = static_cast<int64_t>(generated.tokens.size());
  return turn;
}

}  // namespace ondol
