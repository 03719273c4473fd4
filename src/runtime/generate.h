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
#include "runtime/text_in_progress.h"

namespace ondol {

struct GenerateOptions : TextRules {
  bool shift_context = false;  // when the context is full, drop the older half instead of stopping
  int keep = 0;                // tokens at the start that a shift keeps (a system prompt)
};

struct Generated {
  StopReason reason = StopReason::kEnd;
  std::vector<TokenId> tokens;  // without the end-of-text token
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

/// Continues `prompt` in the speculation's session, which keeps prompt and answer (but for a last token that nothing
/// was to follow), so the next prompt that begins with them is quick.
Result<Generated> generate(Speculation& speculation, Engine& engine, Sampler& sampler, std::span<const TokenId> prompt,
                           const GenerateOptions& options, const TextSink& sink,
                           const EvaluationProgress& progress = {});

}  // namespace ondol
