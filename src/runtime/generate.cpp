#include "runtime/generate.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Drops the older half of what follows the kept tokens, and evaluates the rest again at its new place.
Result<void> shift_context(Session& session, int keep) {
  std::vector<TokenId> tokens(session.tokens().begin(), session.tokens().end());
  const auto n_kept = std::min(static_cast<size_t>(std::max(keep, 0)), tokens.size() / 2);
  const size_t n_dropped = (tokens.size() - n_kept) / 2;
  tokens.erase(tokens.begin() + static_cast<long>(n_kept), tokens.begin() + static_cast<long>(n_kept + n_dropped));
  return session.sync(tokens);
}

}  // namespace

Result<Generated> generate(Speculation& speculation, Engine& engine, Sampler& sampler, std::span<const TokenId> prompt,
                           const GenerateOptions& options, const TextSink& sink, const EvaluationProgress& progress) {
  Session& session = speculation.session();
  Generated result;
  result.n_prompt = static_cast<int>(prompt.size());
  auto start = Clock::now();
  speculation.settle();
  ONDOL_TRY(session.sync(prompt, progress));
  result.n_reused = session.n_reused();
  result.prompt_seconds = seconds_since(start);

  TextInProgress text(engine.tokenizer(), sampler, options);
  text.begin(prompt);
  speculation.begin(prompt);
  start = Clock::now();
  std::optional<StopReason> end;
  if (text.is_complete()) end = StopReason::kMaxTokens;
  while (!end) {
    const TextInProgress::Step step = text.next(speculation.logits());
    end = step.end;
    if (step.token != kNoToken) result.tokens.push_back(step.token);
    if (!step.text.empty() && !sink(step.text)) end = StopReason::kCancelled;
    if (end) break;
    if (static_cast<int64_t>(speculation.length()) >= engine.context_length()) {
      if (!options.shift_context) {
        end = StopReason::kContextFull;
        break;
      }
      speculation.settle();
      ONDOL_TRY(shift_context(session, options.keep));
      speculation.session_changed();
      ++result.n_shifts;
    }
    ONDOL_TRY(speculation.append(step.token, text.n_left(), &sampler));
  }
  result.reason = *end;
  speculation.settle();
  const std::string rest = text.finish();
  if (!rest.empty() && result.reason != StopReason::kCancelled) sink(rest);
  result.token_seconds = seconds_since(start);
  result.n_drafted = speculation.n_drafted();
  result.n_accepted = speculation.n_accepted();
  return result;
}

}  // namespace ondol
