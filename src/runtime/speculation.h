// Speculation: appends tokens to a session, often several with one pass over the weights, which is what generating
// waits for. What is generated does not change by a bit.
//
// The token to append is evaluated together with guesses of what follows it (Drafter): from repetitions of the text
// (NgramDrafter), and from a draft model where there is one (ModelDrafter). As long as the caller then appends what was
// guessed, the logits are there already; at the first other token, the remaining guesses are taken back. The caller
// samples every position from the same logits, in the same order, as without guesses, so this holds for every sampler
// and seed, whatever the guesses are.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/draft_policy.h"
#include "runtime/draft_trials.h"
#include "runtime/ngram_drafter.h"
#include "runtime/session.h"

namespace ondol {

/// Draft as many tokens as pay, or none where none do. Other wishes are numbers: 0 is off, 1 to kMostGuesses are always
/// drafted where there is a guess.
constexpr int kSpeculateAuto = -1;

class Speculation {
 public:
  /// The session must outlive this. `model` may be null. What was learnt about speed stays from text to text.
  explicit Speculation(Session& session, int wish = kSpeculateAuto, std::unique_ptr<Drafter> model = nullptr);
  ~Speculation() { settle(); }
  Speculation(const Speculation&) = delete;
  Speculation& operator=(const Speculation&) = delete;

  Session& session() { return session_; }

  /// The session has just evaluated `prompt`, and nothing else. Counts begin at 0.
  void begin(std::span<const TokenId> prompt);

  /// Appends a token; the caller may want n_wanted more after it, and chooses with `sampler`, which has accepted this
  /// one; null: otherwise.
  Result<void> append(TokenId token, int n_wanted, const Sampler* sampler = nullptr);

  /// Logits of the token after the last one appended; not after settle().
  std::span<const float> logits() const;

  /// Tokens of the session without guesses.
  size_t length() const { return session_.tokens().size() - n_guesses_left(); }

  /// Takes the remaining guesses back, so that the session holds what was appended and nothing else.
  void settle();

  /// The session was settled and its tokens changed; the text that repeats itself is still what it was.
  void session_changed();

  int n_drafted() const { return n_drafted_; }
  int n_accepted() const { return n_accepted_; }

 private:
  size_t n_guesses_left() const { return pass_.empty() ? 0 : pass_.size() - 1 - row_; }
  void learn(TokenId token);
  void add_guesses(int n_wanted, const Sampler* sampler);
  bool model_is_worth(const DraftPolicy::Choice& choice) const;
  std::vector<Guess> guess_with_model(int n, const Sampler* sampler);
  DraftPolicy::Choice choose() const;
  Result<void> evaluate_pass();
  void finish_round();

  Session& session_;
  int wish_;
  NgramDrafter repetitions_;
  std::unique_ptr<Drafter> model_;
  DraftPolicy policy_;
  DraftTrials trials_;
  std::vector<Guess> draft_;   // what follows the token of the last pass, evaluated or not
  std::vector<TokenId> pass_;  // what the last pass evaluated: a token, then guesses; empty: none since settle()
  size_t row_ = 0;             // of the last token appended, in pass_
  double model_seconds_ = 0;   // that the draft took; 0: it is not the model's
  double pass_seconds_ = 0;
  int n_drafted_ = 0;
  int n_accepted_ = 0;
};

}  // namespace ondol
