#include "runtime/text_in_progress.h"

#include <algorithm>
#include <climits>

namespace ondol {
namespace {

constexpr int kMostWithinCharacters = 8;  // tokens

/// Length of the longest end of `text` that is a beginning of `stop`.
size_t overlap(std::string_view text, std::string_view stop) {
  for (size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == stop.substr(0, n)) return n;
  }
  return 0;
}

}  // namespace

std::string StopFilter::push(std::string_view text) {
  if (stopped()) return "";
  held_ += text;
  size_t first_stop = std::string::npos;
  size_t n_held = 0;
  for (const std::string& stop : stops_) {
    if (stop.empty()) continue;
    const size_t place = held_.find(stop);
    if (place < first_stop) {
      first_stop = place;
      found_ = stop;
    }
    n_held = std::max(n_held, overlap(held_, stop));
  }
  if (stopped()) return held_.substr(0, first_stop);
  std::string safe = held_.substr(0, held_.size() - n_held);
  held_.erase(0, safe.size());
  return safe;
}

std::string StopFilter::finish() {
  return stopped() ? "" : std::exchange(held_, {});
}

TextInProgress::TextInProgress(const Tokenizer& tokenizer, Sampler& sampler, TextRules rules)
    : tokenizer_(tokenizer),
      sampler_(sampler),
      rules_(std::move(rules)),
      decoder_(tokenizer, rules_.show_special),
      filter_(rules_.stop) {}

void TextInProgress::begin(std::span<const TokenId> prompt) {
  sampler_.forget();
  for (const TokenId token : prompt) sampler_.accept(token);
}

int TextInProgress::n_left() const {
  return rules_.max_tokens < 0 ? INT_MAX : std::max(0, rules_.max_tokens - n_tokens_);
}

bool TextInProgress::needs_logits() {
  if (!forced_.empty()) return false;
  if (rules_.reasoning_budget < 0 || n_asked_ == n_tokens_) return true;
  n_asked_ = n_tokens_;
  if (!rules_.is_reasoning || !rules_.is_reasoning()) return true;
  if (n_reasoning_++ < rules_.reasoning_budget) return true;
  // What is forced would stand inside a character, where no grammar has it. A model that ends none is not waited for.
  if (decoder_.is_within_character() && n_reasoning_ <= rules_.reasoning_budget + kMostWithinCharacters) return true;
  forced_.assign(rules_.reasoning_end.rbegin(), rules_.reasoning_end.rend());
  rules_.reasoning_budget = -1;  // a model that goes on reasoning after that is not stopped again
  return forced_.empty();
}

TextInProgress::Step TextInProgress::next(std::span<const float> logits) {
  Step step;
  const bool is_forced = !needs_logits();
  TokenId token = kNoToken;
  if (is_forced) {
    token = forced_.back();
    forced_.pop_back();
  } else {
    token = sampler_.sample(logits, rules_.constraint);
  }
  if (tokenizer_.ends_generation(token) && !rules_.ignore_end && !is_forced) {
    step.end = StopReason::kEnd;
    return step;
  }
  step.token = token;
  ++n_tokens_;
  sampler_.accept(token);
  if (rules_.constraint != nullptr && (!is_forced || rules_.constraint->allows(token))) {
    rules_.constraint->accept(token);
  }
  step.text = filter_.push(decoder_.push(token));
  if (filter_.stopped()) {
    step.end = StopReason::kStopText;
  } else if (rules_.constraint != nullptr && rules_.constraint->is_finished()) {
    step.end = StopReason::kEnd;
  } else if (is_complete()) {
    step.end = StopReason::kMaxTokens;
  }
  return step;
}

std::string TextInProgress::finish() {
  return filter_.push(decoder_.finish()) + filter_.finish();
}

}  // namespace ondol
