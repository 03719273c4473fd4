// TextInProgress: what becomes of one text, token by token: chosen, decoded, searched for stop texts, held to its
// constraint and its reasoning budget, and ended. Whoever evaluates tokens (generate.h, scheduler.h) hands in logits
// and evaluates what comes out.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/sampler.h"
#include "text/token_constraint.h"

namespace ondol {

enum class StopReason { kEnd, kStopText, kMaxTokens, kContextFull, kCancelled };

/// What a text may become.
struct TextRules {
  int max_tokens = -1;            // -1: until the model ends
  std::vector<std::string> stop;  // texts that end generation and are not shown
  bool ignore_end = false;        // go on after end-of-text tokens (benchmarks)
  bool show_special = false;
  TokenConstraint* constraint = nullptr;  // which tokens may come next; null: all

  /// Once is_reasoning() was true before so many tokens and still is, reasoning_end follows by force, as soon as the
  /// text is not inside a character. The constraint is told of those of its tokens that it allows. -1: no limit.
  int reasoning_budget = -1;
  std::function<bool()> is_reasoning;  // asked before each token, when the one before has been shown
  std::vector<TokenId> reasoning_end;
};

/// Passes text on, but holds back what may become a stop text.
class StopFilter {
 public:
  explicit StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// Text that is safe to show. After a stop text was found, stopped() is true and nothing more comes.
  std::string push(std::string_view text);
  /// What was held back, at the end of generation.
  std::string finish();
  bool stopped() const { return !found_.empty(); }
  /// The stop text that was found.
  const std::string& found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::string found_;
};

class TextInProgress {
 public:
  /// All must outlive this.
  TextInProgress(const Tokenizer& tokenizer, Sampler& sampler, TextRules rules);

  /// The text begins after `prompt`.
  void begin(std::span<const TokenId> prompt);

  /// Nothing may be generated (any more).
  bool is_complete() const { return rules_.max_tokens >= 0 && n_tokens_ >= rules_.max_tokens; }

  /// Whether the next token depends on the logits, or is forced. What was shown so far has reached whoever is asked.
  bool needs_logits();

  struct Step {
    TokenId token = kNoToken;  // that continues the text; none when the model has ended it
    std::string text;          // that is complete now
    std::optional<StopReason> end;
  };
  /// The next token. Not after an end.
  Step next(std::span<const float> logits);

  /// What was held back, after the end.
  std::string finish();

  int n_tokens() const { return n_tokens_; }
  int n_left() const;  // tokens that may still come, as far as is known
  const std::string& stop_text() const { return filter_.found(); }

 private:
  const Tokenizer& tokenizer_;
  Sampler& sampler_;
  TextRules rules_;
  StreamDecoder decoder_;
  StopFilter filter_;
  int n_tokens_ = 0;
  int n_asked_ = -1;  // n_tokens_ when is_reasoning was last asked
  int n_reasoning_ = 0;
  std::vector<TokenId> forced_;  // what follows by force, the next one last
};

}  // namespace ondol
