#include "runtime/speculation.h"

#include <algorithm>
#include <chrono>

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

}  // namespace

static_assert(DraftPolicy::kMostGuesses + 1 == Session::kMostAtOnce);

Speculation::Speculation(Session& session, int wish, std::unique_ptr<Drafter> model)
    : session_(session), wish_(std::min(wish, DraftPolicy::kMostGuesses)), model_(std::move(model)) {}

void Speculation::begin(std::span<const TokenId> prompt) {
  settle();
  n_drafted_ = 0;
  n_accepted_ = 0;
  if (wish_ == 0) return;
  repetitions_.begin(prompt);
  if (model_) model_->begin(prompt);
}

void Speculation::session_changed() {
  if (model_) model_->begin(session_.tokens());
}

Result<void> Speculation::append(TokenId token, int n_wanted, const Sampler* sampler) {
  if (wish_ != 0) learn(token);
  if (n_guesses_left() > 0 && pass_[row_ + 1] == token) {
    ++row_;
    ++n_accepted_;
    return {};
  }
  finish_round();
  settle();
  pass_ = {token};
  if (wish_ != 0) add_guesses(n_wanted, sampler);
  ONDOL_TRY(evaluate_pass());
  n_drafted_ += static_cast<int>(n_guesses_left());
  return {};
}

Result<void> Speculation::evaluate_pass() {
  const auto start = Clock::now();
  Result<void> done = session_.append_each(pass_);
  if (!done && pass_.size() > 1) {
    // The token alone may fit where its guesses do not: other sessions use the same cache.
    pass_.resize(1);
    done = session_.append_each(pass_);
  }
  if (!done) {
    pass_.clear();
    return done;
  }
  pass_seconds_ = seconds_between(start, Clock::now());
  policy_.saw_pass(static_cast<int>(pass_.size()), pass_seconds_);
  if (model_seconds_ <= 0) trials_.saw_other_pass(pass_seconds_);
  return {};
}

/// Compares the token with what was guessed, or would have been.
void Speculation::learn(TokenId token) {
  const bool was_guessed = row_ < draft_.size();
  if (was_guessed) policy_.saw_guess(draft_[row_].kind, draft_[row_].token == token);
  if (!was_guessed || model_seconds_ > 0) {
    const auto unused = repetitions_.guess(1);
    if (!unused.empty()) policy_.saw_guess(unused[0].kind, unused[0].token == token);
  }
  repetitions_.accept(token);
  if (model_) model_->accept(token);
}

void Speculation::add_guesses(int n_wanted, const Sampler* sampler) {
  // The pass itself yields one of the wanted tokens.
  int most = std::min({n_wanted - 1, session_.most_at_once() - 1, DraftPolicy::kMostGuesses});
  if (wish_ > 0) most = std::min(most, wish_);
  if (most <= 0) return;
  draft_ = repetitions_.guess(most);
  DraftPolicy::Choice choice = choose();
  if (model_ && model_is_worth(choice)) {
    std::vector<Guess> guesses = guess_with_model(most, sampler);
    if (!guesses.empty()) {
      draft_ = std::move(guesses);
      choice = choose();
    }
  }
  for (int i = 0; i < choice.n; ++i) pass_.push_back(draft_[static_cast<size_t>(i)].token);
}

DraftPolicy::Choice Speculation::choose() const {
  if (wish_ > 0) return {static_cast<int>(draft_.size()), 1};
  return policy_.choose(draft_, model_seconds_);
}

/// Whether the model's guesses should be tried before those that `choice` took from draft_.
bool Speculation::model_is_worth(const DraftPolicy::Choice& choice) const {
  if (wish_ > 0) return draft_.empty() || draft_[0].kind < GuessKind::kAfterRunOf8;
  return !policy_.wants_plain_pass() && trials_.is_on() && trials_.gain() > choice.gain;
}

std::vector<Guess> Speculation::guess_with_model(int n, const Sampler* sampler) {
  const auto start = Clock::now();
  auto lap = start;
  const auto another_pays = [&](std::span<const Guess> guesses) {
    const auto now = Clock::now();
    policy_.saw_draft(seconds_between(lap, now));
    lap = now;
    return wish_ > 0 || policy_.another_pays(guesses, std::max(1.0, trials_.gain()));
  };
  std::vector<Guess> guesses = model_->guess(n, sampler, another_pays);
  const double seconds = seconds_between(start, Clock::now());
  if (guesses.empty()) {
    trials_.saw_reading(seconds);
  } else {
    model_seconds_ = seconds;
  }
  return guesses;
}

/// What the model's draft has yielded is known now.
void Speculation::finish_round() {
  if (pass_.empty() || model_seconds_ <= 0) return;
  const Round round{static_cast<int>(row_) + 1, model_seconds_, pass_seconds_};
  trials_.saw_round(round, policy_.plain_seconds(), policy_.most_gain());
}

std::span<const float> Speculation::logits() const {
  return pass_.empty() ? session_.logits() : session_.logits_after(static_cast<int>(row_));
}

void Speculation::settle() {
  if (n_guesses_left() > 0) session_.roll_back(static_cast<int>(n_guesses_left()));
  pass_.clear();
  draft_.clear();
  row_ = 0;
  model_seconds_ = 0;
}

}  // namespace ondol
