// The losses of learning from preferences, as functions of log-probabilities, with their slopes. In double precision.
//
// Log-probabilities are sums over the tokens of an answer, given its prompt; those of the reference are the model's
// before it learned.
#pragma once

#include <cstdint>

namespace ondol::train {

/// Of one pair of answers. The slopes are those of the loss by the log-probability of each answer.
struct PairLoss {
  double loss = 0;
  double chosen_slope = 0;
  double rejected_slope = 0;
  double margin = 0;  // how much better the chosen one counts
};

struct PairChances {
  double chosen = 0;
  double rejected = 0;
};

/// Rafailov et al., 2023: -log sigmoid(beta ((c - r) - (reference c - reference r))). The margin is what the sigmoid is
/// of.
PairLoss dpo_loss(const PairChances& learner, const PairChances& reference, double beta);

/// Hong et al., 2024: the mean loss of the chosen answer's tokens, and `weight` times -log sigmoid of the log odds
/// ratio of the two answers, whose chances are means over their tokens. The margin is that log odds ratio.
PairLoss orpo_loss(const PairChances& learner, int64_t n_chosen_tokens, int64_t n_rejected_tokens, double weight);

/// Of one answer that was judged good or bad.
struct JudgedLoss {
  double loss = 0;
  double slope = 0;
  double reward = 0;
};

/// Ethayarajh et al., 2024: 1 - sigmoid(beta (reward - drift)) for a good answer, with learner - reference as its
/// reward, and the other way round for a bad one. `drift` is how far the learner is from the reference on answers to
/// other prompts; it has no slope.
JudgedLoss kto_loss(double learner, double reference, double drift, double beta, bool is_desirable);

}  // namespace ondol::train
