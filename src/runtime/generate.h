// generate: the loop from a prompt to text: evaluate, sample, decode, until something ends it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/sampler.h"
#include "runtime/session.h"
#include "runtime/speculation.h"

namespace ondol {

struct GenerateOptions {
  int max_tokens = -1;            // -1: until the model ends
  std::vector<std::string> stop;  // texts that end generation and are not shown
  bool shift_context = false;     // when the context is full, drop the older half instead of stopping
  int keep = 0;                   // tokens at the start that a shift keeps (a system prompt)
  bool ignore_end = false;        // go on after end-of-text tokens (benchmarks)
  bool show_special = false;
};

enum class StopReason { kEnd, kStopText, kMaxTokens, kContextFull, kCancelled };

struct Generated {
  StopReason reason = StopReason::kEnd;
  std::vector<TokenId> tokens;  // without the token that ended it
  int n_prompt = 0;
  int n_reused = 0;    // prompt tokens that were already evaluated
  int n_shifts = 0;    // times the context was shifted
  int n_drafted = 0;   // tokens that were guessed and evaluated
  int n_accepted = 0;  // of these, guessed rightly
  double prompt_seconds = 0;
  double token_seconds = 0;
};

/// Receives text as it is made, whole characters only; returns false to stop.
using TextSink = std::function<bool(std::string_view text)>;

/// Continues `prompt` in the speculation's session, which keeps prompt and answer, so the next prompt that begins with
/// them is quick.
Result<Generated> generate(Speculation& speculation, Engine& engine, Sampler& sampler, std::span<const TokenId> prompt,
                           const GenerateOptions& options, const TextSink& sink,
                           const EvaluationProgress& progress = {});

/// Passes text on, but holds back what may become a stop text.
class StopFilter {
 public:
  explicit StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// Text that is safe to show. After a stop text was found, stopped() is true and nothing more comes.
  std::string push(std::string_view text);
  /// What was held back, at the end of generation.
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace ondol
