// Speculation: appends tokens to a session, often several with one pass over the weights, which is what generating
// waits for. What is generated does not change by a bit.
//
// The token to append is evaluated together with guesses of what follows it (NgramDrafter). As long as the caller then
// appends what was guessed, the logits are there already; at the first other token, the remaining guesses are taken
// back. The caller samples every position from the same logits, in the same order, as without guesses, so this holds
// for every sampler and seed.
#pragma once

#include <span>
#include <vector>

#include "runtime/draft_policy.h"
#include "runtime/ngram_drafter.h"
#include "runtime/session.h"

namespace ondol {

/// Draft as many tokens as pay, or none where none do. Other wishes are numbers: 0 is off, 1 to kMostGuesses are always
/// drafted where there is a guess.
constexpr int kSpeculateAuto = -1;

class Speculation {
 public:
  /// The session has just evaluated `prompt`.
  Speculation(Session& session, std::span<const TokenId> prompt, int wish);
  ~Speculation() { settle(); }
  Speculation(const Speculation&) = delete;
  Speculation& operator=(const Speculation&) = delete;

  /// Appends a token; the caller may want n_wanted more after it.
  Result<void> append(TokenId token, int n_wanted);

  /// Logits of the token after the last one appended; not after settle().
  std::span<const float> logits() const;

  /// Tokens of the session without guesses.
  size_t length() const { return session_.tokens().size() - n_guesses_left(); }

  /// Takes the remaining guesses back, so that the session holds what was appended and nothing else.
  void settle();

  int n_drafted() const { return n_drafted_; }
  int n_accepted() const { return n_accepted_; }

 private:
  size_t n_guesses_left() const { return pass_.empty() ? 0 : pass_.size() - 1 - row_; }
  void learn(TokenId token);
  void add_guesses(int n_wanted);

  Session& session_;
  int wish_;
  NgramDrafter drafter_;
  DraftPolicy policy_;
  std::vector<TokenId> pass_;  // what the last pass evaluated: a token, then guesses; empty: none since settle()
  size_t row_ = 0;             // of the last token appended, in pass_
  int match_ = 0;              // of the first guess in pass_
  int n_drafted_ = 0;
  int n_accepted_ = 0;
};

}  // namespace ondol
