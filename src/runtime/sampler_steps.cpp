// The steps of the sampling chain, one function each. The list at the end gives them their names.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "runtime/sampler.h"

namespace ondol {
namespace {

std::span<const TokenId> last_of(std::span<const TokenId> history, int n) {
  if (n < 0 || static_cast<size_t>(n) >= history.size()) return history;
  return history.last(static_cast<size_t>(n));
}

/// Keeps the first n of sorted candidates, at least one.
void keep(Candidates& candidates, size_t n) {
  candidates.tokens.resize(std::clamp<size_t>(n, 1, candidates.tokens.size()));
}

/// Repetition (Keskar et al. 2019, CTRL), frequency and presence penalties.
void penalties(Candidates& candidates, SamplerState& state) {
  const SamplerOptions& o = state.options;
  if (o.repeat_penalty == 1.0f && o.frequency_penalty == 0.0f && o.presence_penalty == 0.0f) return;
  std::unordered_map<TokenId, int> counts;
  for (const TokenId id : last_of(state.history, o.repeat_last_n)) ++counts[id];
  for (Candidate& candidate : candidates.tokens) {
    const auto found = counts.find(candidate.id);
    if (found == counts.end()) continue;
    candidate.logit *= candidate.logit > 0 ? 1.0f / o.repeat_penalty : o.repeat_penalty;
    candidate.logit -= static_cast<float>(found->second) * o.frequency_penalty + o.presence_penalty;
  }
  candidates.sorted = false;
}

/// For each position of `text`, the length of the longest suffix of text[0, i] that is also a suffix of the whole text,
/// for i before the last position (the Z function of the reversed text).
std::vector<int> suffix_match_lengths(std::span<const TokenId> text, std::span<const uint8_t> breaks) {
  const int n = static_cast<int>(text.size());
  const auto reversed = [&](int i) { return text[static_cast<size_t>(n - 1 - i)]; };
  std::vector<int> z(static_cast<size_t>(n), 0);
  int limit = 0;  // a match may not run over a breaker
  while (limit < n && !breaks[static_cast<size_t>(reversed(limit))]) ++limit;
  int left = 0, right = 0;
  for (int i = 1; i < n; ++i) {
    int length = i < right ? std::min(right - i, z[static_cast<size_t>(i - left)]) : 0;
    while (i + length < n && length < limit && reversed(length) == reversed(i + length)) ++length;
    z[static_cast<size_t>(i)] = length;
    if (i + length > right) left = i, right = i + length;
  }
  return z;
}

/// DRY: a token that would continue a repetition of length n >= allowed is charged multiplier * base^(n - allowed).
void dry(Candidates& candidates, SamplerState& state) {
  const SamplerOptions& o = state.options;
  if (o.dry_multiplier <= 0.0f) return;
  const auto text = last_of(state.history, o.dry_last_n);
  if (text.size() < 2) return;
  const std::vector<int> lengths = suffix_match_lengths(text, state.dry_breaks);
  std::unordered_map<TokenId, int> longest;
  for (size_t i = 1; i < text.size(); ++i) {
    if (lengths[i] < o.dry_allowed_length) continue;
    int& best = longest[text[text.size() - i]];  // what followed the earlier occurrence
    best = std::max(best, lengths[i]);
  }
  if (longest.empty()) return;
  for (Candidate& candidate : candidates.tokens) {
    const auto found = longest.find(candidate.id);
    if (found == longest.end()) continue;
    const float excess = static_cast<float>(std::min(found->second - o.dry_allowed_length, 60));
    candidate.logit -= o.dry_multiplier * std::pow(o.dry_base, excess);
  }
  candidates.sorted = false;
}

void top_k(Candidates& candidates, SamplerState& state) {
  const auto k = static_cast<size_t>(std::max(0, state.options.top_k));
  if (k == 0 || k >= candidates.tokens.size()) return;
  if (!candidates.sorted) {
    const auto by_logit = [](const Candidate& a, const Candidate& b) {
      return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
    };
    std::nth_element(candidates.tokens.begin(), candidates.tokens.begin() + static_cast<long>(k),
                     candidates.tokens.end(), by_logit);
  }
  keep(candidates, k);
  candidates.sort();
}

/// Nucleus (Holtzman et al. 2020): the fewest tokens that together reach probability p.
void top_p(Candidates& candidates, SamplerState& state) {
  const float p = state.options.top_p;
  if (p >= 1.0f) return;
  candidates.softmax();
  double sum = 0;
  size_t n = 0;
  while (n < candidates.tokens.size() && sum < p) sum += candidates.tokens[n++].probability;
  keep(candidates, n);
}

/// Tokens at least min_p times as likely as the best one.
void min_p(Candidates& candidates, SamplerState& state) {
  const float p = state.options.min_p;
  if (p <= 0.0f) return;
  candidates.sort();
  const float lowest = candidates.tokens.front().logit + std::log(p);
  size_t n = 0;
  while (n < candidates.tokens.size() && candidates.tokens[n].logit >= lowest) ++n;
  keep(candidates, n);
}

/// Locally typical (Meister et al. 2023): tokens whose surprise is closest to the expected one.
void typical_p(Candidates& candidates, SamplerState& state) {
  const float p = state.options.typical_p;
  if (p >= 1.0f) return;
  candidates.softmax();
  double entropy = 0;
  for (const Candidate& c : candidates.tokens) {
    if (c.probability > 0) entropy -= c.probability * std::log(c.probability);
  }
  const auto distance = [&](const Candidate& c) {
    return c.probability > 0 ? std::abs(-std::log(c.probability) - entropy) : INFINITY;
  };
  std::stable_sort(candidates.tokens.begin(), candidates.tokens.end(),
                   [&](const Candidate& a, const Candidate& b) { return distance(a) < distance(b); });
  double sum = 0;
  size_t n = 0;
  while (n < candidates.tokens.size() && sum < p) sum += candidates.tokens[n++].probability;
  keep(candidates, n);
  candidates.sorted = false;
}

/// Top-n-sigma (Tang et al. 2024): logits within n standard deviations of the best.
void top_n_sigma(Candidates& candidates, SamplerState& state) {
  const float n_sigma = state.options.top_n_sigma;
  if (n_sigma <= 0.0f) return;
  double sum = 0, squares = 0, count = 0;
  float best = -INFINITY;
  for (const Candidate& c : candidates.tokens) {
    if (!std::isfinite(c.logit)) continue;
    sum += c.logit;
    squares += static_cast<double>(c.logit) * c.logit;
    ++count;
    best = std::max(best, c.logit);
  }
  if (count == 0) return;
  const double mean = sum / count;
  const double sigma = std::sqrt(std::max(0.0, squares / count - mean * mean));
  const float lowest = best - n_sigma * static_cast<float>(sigma);
  std::erase_if(candidates.tokens, [&](const Candidate& c) { return c.logit < lowest; });
}

/// XTC: with some probability, drops all but the least likely of the tokens above the threshold.
void xtc(Candidates& candidates, SamplerState& state) {
  const SamplerOptions& o = state.options;
  if (o.xtc_probability <= 0.0f || o.xtc_threshold > 0.5f) return;
  if (state.random.uniform() >= o.xtc_probability) return;
  candidates.softmax();
  size_t above = 0;
  while (above < candidates.tokens.size() && candidates.tokens[above].probability >= o.xtc_threshold) ++above;
  if (above < 2) return;
  candidates.tokens.erase(candidates.tokens.begin(), candidates.tokens.begin() + static_cast<long>(above - 1));
}

/// Temperature, moved by the normalised entropy when a range is given.
void temperature(Candidates& candidates, SamplerState& state) {
  const SamplerOptions& o = state.options;
  float t = o.temperature;
  if (o.dynamic_range > 0.0f && candidates.tokens.size() > 1) {
    candidates.softmax();
    double entropy = 0;
    for (const Candidate& c : candidates.tokens) {
      if (c.probability > 0) entropy -= c.probability * std::log(c.probability);
    }
    const double share = entropy / std::log(static_cast<double>(candidates.tokens.size()));
    const float low = std::max(0.0f, t - o.dynamic_range);
    const float high = t + o.dynamic_range;
    t = low + (high - low) * static_cast<float>(std::pow(share, static_cast<double>(o.dynamic_exponent)));
  }
  if (t <= 0.0f) {
    candidates.sort();
    keep(candidates, 1);
    return;
  }
  for (Candidate& candidate : candidates.tokens) candidate.logit /= t;
}

struct NamedStep {
  std::string_view name;
  SamplerStep step;
};

constexpr NamedStep kSteps[] = {
    {"penalties", penalties},
    {"dry", dry},
    {"top_n_sigma", top_n_sigma},
    {"top_k", top_k},
    {"typical_p", typical_p},
    {"top_p", top_p},
    {"min_p", min_p},
    {"xtc", xtc},
    {"temperature", temperature},
};

}  // namespace

SamplerStep find_sampler_step(std::string_view name) {
  for (const NamedStep& named : kSteps) {
    if (named.name == name) return named.step;
  }
  return nullptr;
}

std::string sampler_step_names() {
  std::string names;
  for (const NamedStep& named : kSteps) names += (names.empty() ? "" : ", ") + std::string(named.name);
  return names;
}

}  // namespace ondol
