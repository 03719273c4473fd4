#include "runtime/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace ondol {
namespace {

Result<void> check_range(std::string_view name, double value, double low, double high) {
  if (value >= low && value <= high) return {};  // also refuses NaN
  return Error(fmt::format("sampler: {}: expected a number from {} to {}, got {}", name, low, high, value));
}

Result<void> check_options(const SamplerOptions& o) {
  constexpr double kLarge = 1e6;
  ONDOL_TRY(check_range("temperature", o.temperature, 0, 1000));
  ONDOL_TRY(check_range("dynamic temperature range", o.dynamic_range, 0, 1000));
  ONDOL_TRY(check_range("dynamic temperature exponent", o.dynamic_exponent, 0, 1000));
  ONDOL_TRY(check_range("top-p", o.top_p, 0, kLarge));
  ONDOL_TRY(check_range("min-p", o.min_p, 0, 1));
  ONDOL_TRY(check_range("typical-p", o.typical_p, 0, kLarge));
  ONDOL_TRY(check_range("top-n-sigma", o.top_n_sigma, -1, kLarge));
  ONDOL_TRY(check_range("repeat penalty", o.repeat_penalty, 1e-3, 1000));
  ONDOL_TRY(check_range("frequency penalty", o.frequency_penalty, -1000, 1000));
  ONDOL_TRY(check_range("presence penalty", o.presence_penalty, -1000, 1000));
  ONDOL_TRY(check_range("DRY multiplier", o.dry_multiplier, 0, 1000));
  ONDOL_TRY(check_range("DRY base", o.dry_base, 1, 1000));
  ONDOL_TRY(check_range("DRY allowed length", o.dry_allowed_length, 1, kLarge));
  ONDOL_TRY(check_range("XTC probability", o.xtc_probability, 0, 1));
  ONDOL_TRY(check_range("XTC threshold", o.xtc_threshold, 0, 1));
  ONDOL_TRY(check_range("mirostat tau", o.mirostat_tau, 0, 1000));
  ONDOL_TRY(check_range("mirostat eta", o.mirostat_eta, 0, 1000));
  return {};
}

/// A breaker stops a repetition at every token whose text contains it.
std::vector<uint8_t> breaking_tokens(const SamplerOptions& options, const Tokenizer& tokenizer) {
  std::vector<uint8_t> breaks(static_cast<size_t>(tokenizer.vocabulary_size()), 0);
  if (options.dry_multiplier <= 0.0f) return breaks;
  for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
    const std::string piece = tokenizer.piece(id, true);
    const bool is_break = tokenizer.is_control(id) ||
                          std::any_of(options.dry_breakers.begin(), options.dry_breakers.end(),
                                      [&](const auto& text) { return piece.find(text) != std::string::npos; });
    breaks[static_cast<size_t>(id)] = is_break ? 1 : 0;
  }
  return breaks;
}

TokenId most_likely(const Candidates& candidates) {
  const auto best = std::max_element(candidates.tokens.begin(), candidates.tokens.end(),
                                     [](const Candidate& a, const Candidate& b) { return a.logit < b.logit; });
  return best->id;
}

}  // namespace

void Candidates::sort() {
  if (sorted) return;
  std::sort(tokens.begin(), tokens.end(), [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  });
  sorted = true;
}

void Candidates::softmax() {
  sort();
  const float best = std::max(tokens.front().logit, std::numeric_limits<float>::lowest());  // all may be forbidden
  double sum = 0;
  for (Candidate& token : tokens) {
    token.probability = std::exp(token.logit - best);
    sum += token.probability;
  }
  for (Candidate& token : tokens) token.probability = sum > 0 ? static_cast<float>(token.probability / sum) : 0.0f;
}

Result<Sampler> Sampler::create(SamplerOptions options, const Tokenizer& tokenizer) {
  ONDOL_TRY(check_options(options));
  Sampler sampler(std::move(options));
  for (const std::string& name : sampler.options_.chain) {
    const SamplerStep step = find_sampler_step(name);
    if (step == nullptr) {
      return Error(fmt::format("sampler: expected steps out of {}; got '{}'", sampler_step_names(), name));
    }
    sampler.steps_.push_back(step);
  }
  sampler.dry_breaks_ = breaking_tokens(sampler.options_, tokenizer);
  sampler.mirostat_mu_ = 2.0f * sampler.options_.mirostat_tau;
  return sampler;
}

void Sampler::fill_candidates(std::span<const float> logits, const TokenSet* allowed) {
  candidates_.tokens.clear();
  candidates_.sorted = false;
  const auto add = [&](size_t i) {
    // A broken model may give NaN; such a token is never chosen, and comparisons stay a strict order.
    const float logit = std::isnan(logits[i]) ? -INFINITY : logits[i];
    candidates_.tokens.push_back({static_cast<TokenId>(i), logit, 0.0f});
  };
  if (allowed == nullptr) {
    for (size_t i = 0; i < logits.size(); ++i) add(i);
  } else {
    for (size_t w = 0; w < allowed->words().size(); ++w) {
      for (uint64_t bits = allowed->words()[w]; bits != 0; bits &= bits - 1) {
        const size_t i = w * 64 + static_cast<size_t>(std::countr_zero(bits));
        if (i < logits.size()) add(i);
      }
    }
    ONDOL_CHECK(!candidates_.tokens.empty());
  }
  for (const auto& [id, bias] : options_.logit_bias) {
    const auto place =
        std::lower_bound(candidates_.tokens.begin(), candidates_.tokens.end(), id,
                         [](const Candidate& candidate, TokenId wanted) { return candidate.id < wanted; });
    if (place != candidates_.tokens.end() && place->id == id) place->logit += bias;
  }
}

TokenId Sampler::sample(std::span<const float> logits, TokenConstraint* constraint) {
  if (constraint == nullptr) return choose(logits, nullptr);
  if (options_.temperature <= 0.0f) {
    // Without chance, penalties and bias change each token's logit by itself, so the best of all is the best of those
    // allowed if it is one of them. Asking for one token is much cheaper than asking for the whole set.
    const TokenId best = choose(logits, nullptr);
    if (constraint->allows(best)) return best;
  }
  return choose(logits, constraint->allowed());
}

TokenId Sampler::choose(std::span<const float> logits, const TokenSet* allowed) {
  fill_candidates(logits, allowed);
  SamplerState state{options_, history_, dry_breaks_, random_};
  const bool greedy = options_.temperature <= 0.0f;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const bool changes_logits = options_.chain[i] == "penalties" || options_.chain[i] == "dry";
    const bool is_temperature = options_.chain[i] == "temperature";
    if (greedy && !changes_logits) continue;
    if (options_.mirostat && !changes_logits && !is_temperature) continue;
    steps_[i](candidates_, state);
  }
  if (greedy) return most_likely(candidates_);
  return options_.mirostat ? draw_mirostat(candidates_) : draw(candidates_);
}

TokenId Sampler::draw(Candidates& candidates) {
  candidates.softmax();
  double left = random_.uniform();
  for (const Candidate& token : candidates.tokens) {
    left -= token.probability;
    if (left < 0) return token.id;
  }
  return candidates.tokens.back().id;
}

// Mirostat 2 (Basu et al. 2021): drop tokens more surprising than mu, draw, and move mu towards the wanted surprise,
// which is measured under the model's own distribution, before dropping.
TokenId Sampler::draw_mirostat(Candidates& candidates) {
  candidates.softmax();
  const auto surprise = [](const Candidate& c) { return -std::log2(c.probability); };
  size_t n = 1;
  while (n < candidates.tokens.size() && surprise(candidates.tokens[n]) <= mirostat_mu_) ++n;
  double left = 0;
  for (size_t i = 0; i < n; ++i) left += candidates.tokens[i].probability;
  left *= random_.uniform();
  size_t chosen = 0;
  while (chosen + 1 < n && (left -= candidates.tokens[chosen].probability) >= 0) ++chosen;
  mirostat_mu_ -= options_.mirostat_eta * (surprise(candidates.tokens[chosen]) - options_.mirostat_tau);
  return candidates.tokens[chosen].id;
}

}  // namespace ondol
