// ScriptedModel: a model that wants to say what a test wrote down, through the real template, tokenizer, grammar,
// sampler and parser. Its logits prefer the longest token that continues the script; the mask of the grammar has the
// last word, so what it must not say it does not say.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/templated_agent_model.h"
#include "tests/train/small_tokenizer.h"

namespace ondol {

inline constexpr std::string_view kToolTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% if m.role == 'system' and tools %}\n"
    "{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% endif %}{% if m.tool_calls %}{% for c in m.tool_calls %}"
    "<tool_call>\n{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson "
    "}}}\n</tool_call>"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

inline constexpr std::string_view kPlainTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// A call as the template writes it.
inline std::string scripted_call(const std::string& name, const std::string& arguments) {
  return "<tool_call>\n{\"name\": \"" + name + "\", \"arguments\": " + arguments + "}\n</tool_call>";
}

class ScriptedModel final : public TemplatedAgentModel {
 public:
  explicit ScriptedModel(std::vector<std::string> answers, int64_t context_length = 8192,
                         std::string_view source = kToolTemplate)
      : TemplatedAgentModel(parts(context_length, source)), answers_(std::move(answers)) {
    for (TokenId id = 0; id < tokenizer().vocabulary_size(); ++id) pieces_.push_back(tokenizer().piece(id, true));
  }

  void say(std::string answer) { answers_.push_back(std::move(answer)); }
  size_t n_said() const { return at_; }
  /// The prompts that it was given, as text.
  const std::vector<std::string>& prompts() const { return prompts_; }
  /// Called before each token.
  std::function<void()> on_token;
  /// Called with each prompt, before the answer.
  std::function<void(const std::string& prompt)> on_prompt;

 protected:
  Result<Generated> continue_prompt(Continuation wish, const TextSink& sink) override {
    const std::span<const TokenId> prompt = wish.prompt;
    Sampler sampler = ONDOL_TRY(Sampler::create(wish.sampling, tokenizer()));
    prompts_.push_back(tokenizer().decode(prompt, true));
    if (on_prompt) on_prompt(prompts_.back());
    Generated result;
    result.n_prompt = static_cast<int>(prompt.size());
    result.n_reused = reused(prompt);
    timeline_.assign(prompt.begin(), prompt.end());
    script_ = at_ < answers_.size() ? answers_[at_] : "";
    ++at_;
    TextInProgress text(tokenizer(), sampler, wish.options);
    text.begin(prompt);
    std::optional<StopReason> end;
    while (!end) {
      if (on_token) on_token();
      const std::vector<float> logits = this->logits();
      const TextInProgress::Step step = text.next(logits);
      end = step.end;
      if (step.token != kNoToken) {
        result.tokens.push_back(step.token);
        timeline_.push_back(step.token);
        said(step.token);
      }
      if (!step.text.empty() && !sink(step.text)) end = StopReason::kCancelled;
    }
    result.reason = *end;
    const std::string rest = text.finish();
    if (!rest.empty() && result.reason != StopReason::kCancelled) sink(rest);
    return result;
  }

 private:
  static Parts parts(int64_t context_length, std::string_view source) {
    static const auto tokenizer =
        train::small_tokenizer({"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"}, "<|im_end|>");
    auto parsed = ChatTemplate::parse(source);
    EXPECT_TRUE(parsed) << parsed.error().message();
    return {.name = "scripted",
            .context_length = context_length,
            .tokenizer = tokenizer,
            .chat_template = *parsed,
            .template_source = std::string(source)};
  }

  int reused(std::span<const TokenId> prompt) const {
    const size_t n = std::min(prompt.size(), timeline_.size());
    size_t same = 0;
    while (same < n && prompt[same] == timeline_[same]) ++same;
    return static_cast<int>(std::min(same, prompt.size() - 1));
  }

  std::vector<float> logits() const {
    std::vector<float> logits(static_cast<size_t>(tokenizer().vocabulary_size()), -100.0f);
    for (TokenId id = 0; id < tokenizer().vocabulary_size(); ++id) {
      const std::string& piece = pieces_[static_cast<size_t>(id)];
      float& logit = logits[static_cast<size_t>(id)];
      if (!piece.empty() && script_.starts_with(piece)) logit = static_cast<float>(piece.size());
      // Where the grammar leaves nothing of the script, it ends what it began.
      else if (piece == "}" || piece == "\"")
        logit = -10.0f;
    }
    logits[static_cast<size_t>(tokenizer().eos())] = script_.empty() ? 100.0f : -5.0f;
    return logits;
  }

  void said(TokenId token) {
    const std::string piece = tokenizer().piece(token, true);
    if (script_.starts_with(piece)) script_.erase(0, piece.size());
  }

  std::vector<std::string> pieces_;
  std::vector<std::string> answers_;
  std::vector<std::string> prompts_;
  std::vector<TokenId> timeline_;
  std::string script_;
  size_t at_ = 0;
};

}  // namespace ondol
