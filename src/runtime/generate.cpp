#include "runtime/generate.h"

#include <algorithm>
#include <chrono>
#include <climits>

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

/// Length of the longest end of `text` that is a beginning of `stop`.
size_t overlap(std::string_view text, std::string_view stop) {
  for (size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == stop.substr(0, n)) return n;
  }
  return 0;
}

}  // namespace

std::string StopFilter::push(std::string_view text) {
  if (stopped_) return "";
  held_ += text;
  size_t first_stop = std::string::npos;
  size_t n_held = 0;
  for (const std::string& stop : stops_) {
    if (stop.empty()) continue;
    first_stop = std::min(first_stop, held_.find(stop));
    n_held = std::max(n_held, overlap(held_, stop));
  }
  if (first_stop != std::string::npos) {
    stopped_ = true;
    return held_.substr(0, first_stop);
  }
  std::string safe = held_.substr(0, held_.size() - n_held);
  held_.erase(0, safe.size());
  return safe;
}

std::string StopFilter::finish() {
  return stopped_ ? "" : std::exchange(held_, {});
}

Result<Generated> generate(Speculation& speculation, Engine& engine, Sampler& sampler, std::span<const TokenId> prompt,
                           const GenerateOptions& options, const TextSink& sink, const EvaluationProgress& progress) {
  const Tokenizer& tokenizer = engine.tokenizer();
  Session& session = speculation.session();
  Generated result;
  result.n_prompt = static_cast<int>(prompt.size());
  auto start = Clock::now();
  speculation.settle();
  ONDOL_TRY(session.sync(prompt, progress));
  result.n_reused = session.n_reused();
  result.prompt_seconds = seconds_since(start);
  sampler.forget();
  for (const TokenId token : prompt) sampler.accept(token);

  StreamDecoder decoder(tokenizer, options.show_special);
  StopFilter filter(options.stop);
  speculation.begin(prompt);
  start = Clock::now();
  while (true) {
    const int n_generated = static_cast<int>(result.tokens.size());
    if (options.max_tokens >= 0 && n_generated >= options.max_tokens) {
      result.reason = StopReason::kMaxTokens;
      break;
    }
    const TokenId token = sampler.sample(speculation.logits());
    if (tokenizer.ends_generation(token) && !options.ignore_end) break;
    sampler.accept(token);
    result.tokens.push_back(token);
    const std::string text = filter.push(decoder.push(token));
    if (!text.empty() && !sink(text)) {
      result.reason = StopReason::kCancelled;
      break;
    }
    if (filter.stopped()) {
      result.reason = StopReason::kStopText;
      break;
    }
    if (static_cast<int64_t>(speculation.length()) >= engine.context_length()) {
      if (!options.shift_context) {
        result.reason = StopReason::kContextFull;
        break;
      }
      speculation.settle();
      ONDOL_TRY(shift_context(session, options.keep));
      speculation.session_changed();
      ++result.n_shifts;
    }
    const int n_wanted = options.max_tokens < 0 ? INT_MAX : options.max_tokens - n_generated - 1;
    ONDOL_TRY(speculation.append(token, n_wanted, &sampler));
  }
  speculation.settle();
  const std::string rest = filter.push(decoder.finish()) + filter.finish();
  if (!rest.empty() && result.reason != StopReason::kCancelled) sink(rest);
  result.token_seconds = seconds_since(start);
  result.n_drafted = speculation.n_drafted();
  result.n_accepted = speculation.n_accepted();
  return result;
}

}  // namespace ondol
