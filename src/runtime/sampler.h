// Sampler: logits to the next token, through an ordered chain of steps.
//
// The chain is a list of names (SamplerOptions::chain); sampler_steps.cpp has one function per name. With temperature 0
// the most likely token is taken after penalties and bias, and nothing is random. The same seed gives the same tokens.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "text/token_constraint.h"
#include "text/tokenizer.h"

namespace ondol {

struct SamplerOptions {
  float temperature = 0.8f;
  float dynamic_range = 0.0f;  // temperature moves in [temperature - range, temperature + range] with the entropy
  float dynamic_exponent = 1.0f;
  int top_k = 40;               // 0 is off
  float top_p = 0.95f;          // 1 is off
  float min_p = 0.05f;          // 0 is off
  float typical_p = 1.0f;       // 1 is off
  float top_n_sigma = 0.0f;     // 0 is off
  int repeat_last_n = 64;       // tokens that the three penalties look back over; -1 is all
  float repeat_penalty = 1.0f;  // 1 is off
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  float dry_multiplier = 0.0f;  // 0 is off
  float dry_base = 1.75f;
  int dry_allowed_length = 2;
  int dry_last_n = -1;  // -1 is all
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};
  float xtc_probability = 0.0f;  // 0 is off
  float xtc_threshold = 0.1f;
  bool mirostat = false;  // mirostat 2 replaces the truncating steps
  float mirostat_tau = 5.0f;
  float mirostat_eta = 0.1f;
  std::map<TokenId, float> logit_bias;  // -infinity forbids a token
  uint64_t seed = 0;
  std::vector<std::string> chain = {"penalties", "dry",   "top_n_sigma", "top_k",      "typical_p",
                                    "top_p",     "min_p", "xtc",         "temperature"};
};

struct Candidate {
  TokenId id;
  float logit;
  float probability;  // valid after softmax()
};

/// The tokens that are still possible. Steps drop some or change their logits.
struct Candidates {
  std::vector<Candidate> tokens;
  bool sorted = false;  // by logit, descending; equal logits by id

  void sort();
  /// Sorts and fills in the probabilities.
  void softmax();
};

/// What a step may look at beside the candidates.
struct SamplerState {
  const SamplerOptions& options;
  std::span<const TokenId> history;
  std::span<const uint8_t> dry_breaks;  // per token: whether a repetition ends there
  Random& random;
};

using SamplerStep = void (*)(Candidates&, SamplerState&);

/// The step of this name, or nullptr. sampler_step_names() lists all, for messages.
SamplerStep find_sampler_step(std::string_view name);
std::string sampler_step_names();

class Sampler {
 public:
  /// Fails when a name in the chain is unknown or a value is out of range. `tokenizer` gives the DRY breakers' tokens.
  static Result<Sampler> create(SamplerOptions options, const Tokenizer& tokenizer);

  /// Chooses the next token from logits over the whole vocabulary, among those that `constraint` allows. Does not
  /// remember it, nor tells the constraint: see accept().
  TokenId sample(std::span<const float> logits, TokenConstraint* constraint = nullptr);

  /// Tells the sampler what was appended to the text (prompt tokens too), for penalties.
  void accept(TokenId token) { history_.push_back(token); }
  void forget() { history_.clear(); }

  const SamplerOptions& options() const { return options_; }

 private:
  explicit Sampler(SamplerOptions options) : options_(std::move(options)), random_(options_.seed) {}
  TokenId choose(std::span<const float> logits, const TokenSet* allowed);
  void fill_candidates(std::span<const float> logits, const TokenSet* allowed);
  TokenId draw(Candidates& candidates);
  TokenId draw_mirostat(Candidates& candidates);

  SamplerOptions options_;
  std::vector<SamplerStep> steps_;
  std::vector<TokenId> history_;
  std::vector<uint8_t> dry_breaks_;
  Candidates candidates_;  // kept to reuse its memory
  Random random_;
  float mirostat_mu_ = 0.0f;
};

}  // namespace ondol
