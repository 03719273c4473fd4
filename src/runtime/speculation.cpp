#include "runtime/speculation.h"

#include <algorithm>
#include <chrono>

namespace ondol {

static_assert(DraftPolicy::kMostGuesses + 1 == Session::kMostAtOnce);

Speculation::Speculation(Session& session, std::span<const TokenId> prompt, int wish)
    : session_(session), wish_(std::min(wish, DraftPolicy::kMostGuesses)) {
  if (wish_ == 0) return;
  for (const TokenId token : prompt) drafter_.accept(token);
}

Result<void> Speculation::append(TokenId token, int n_wanted) {
  if (wish_ != 0) learn(token);
  if (n_guesses_left() > 0 && pass_[row_ + 1] == token) {
    ++row_;
    ++n_accepted_;
    return {};
  }
  settle();
  pass_ = {token};
  if (wish_ != 0) add_guesses(n_wanted);
  const auto start = std::chrono::steady_clock::now();
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
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  policy_.saw_pass(static_cast<int>(pass_.size()), passed.count());
  n_drafted_ += static_cast<int>(n_guesses_left());
  return {};
}

/// Compares the token with what was guessed, or would have been.
void Speculation::learn(TokenId token) {
  if (n_guesses_left() > 0) {
    policy_.saw_guess(match_ + static_cast<int>(row_), pass_[row_ + 1] == token);
  } else if (const Draft unused = drafter_.guess(1); !unused.tokens.empty()) {
    policy_.saw_guess(unused.match, unused.tokens[0] == token);
  }
  drafter_.accept(token);
}

void Speculation::add_guesses(int n_wanted) {
  // The pass itself yields one of the wanted tokens.
  const int most = std::min({n_wanted - 1, session_.most_at_once() - 1, DraftPolicy::kMostGuesses});
  if (most <= 0) return;
  const Draft draft = drafter_.guess(wish_ > 0 ? std::min(wish_, most) : most);
  if (draft.tokens.empty()) return;
  match_ = draft.match;
  const int n = wish_ > 0 ? static_cast<int>(draft.tokens.size()) : policy_.choose(draft.match, most);
  pass_.insert(pass_.end(), draft.tokens.begin(), draft.tokens.begin() + n);
}

std::span<const float> Speculation::logits() const {
  return pass_.empty() ? session_.logits() : session_.logits_after(static_cast<int>(row_));
}

void Speculation::settle() {
  if (n_guesses_left() > 0) session_.roll_back(static_cast<int>(n_guesses_left()));
  pass_.clear();
  row_ = 0;
}

}  // namespace ondol
