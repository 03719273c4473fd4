// TemplatedAgentModel: an AgentModel out of a chat template, a tokenizer and the grammar of its tool calls. Only where
// the logits come from is left open.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/agent_model.h"
#include "runtime/chat_style.h"
#include "runtime/generate.h"
#include "text/chat_template.h"
#include "text/grammar/token_mask.h"

namespace ondol {

class TemplatedAgentModel : public AgentModel {
 public:
  const std::string& name() const override { return name_; }
  int64_t context_length() const override { return context_length_; }
  int64_t count_tokens(std::string_view text) const override;
  Result<int64_t> count_prompt(const json::array& messages, const std::vector<ToolDefinition>& tools) const override;
  bool has_tools() const override { return style_.format->has_tools(); }
  Result<AgentTurn> generate(const Wish& wish) override;

 protected:
  struct Parts {
    std::string name;
    int64_t context_length = 0;
    std::shared_ptr<const Tokenizer> tokenizer;
    ChatTemplate chat_template;
    std::string template_source;
    std::shared_ptr<const MaskVocabulary> vocabulary = nullptr;  // of the tokenizer; null: it is made
  };
  explicit TemplatedAgentModel(Parts parts);

  const Tokenizer& tokenizer() const { return *tokenizer_; }

  /// How a prompt is to go on. `options.constraint` is `constraint`, which may be taken.
  struct Continuation {
    std::span<const TokenId> prompt;
    SamplerOptions sampling;
    GenerateOptions options;
    std::unique_ptr<TokenConstraint> constraint;  // or null
  };
  /// `sink` gets the text, from whatever thread, until this returns.
  virtual Result<Generated> continue_prompt(Continuation wish, const TextSink& sink) = 0;

 private:
  Result<PromptText> rendered(const json::array& messages, const std::vector<ToolDefinition>& tools,
                              bool may_reason) const;

  std::string name_;
  int64_t context_length_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  ChatTemplate chat_template_;
  ChatStyle style_;
  std::shared_ptr<const MaskVocabulary> vocabulary_;
};

}  // namespace ondol
