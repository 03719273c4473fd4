#include "train/preference_losses.h"

#include <cmath>

namespace ondol::train {
namespace {

double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

/// -log sigmoid(x).
double softplus_of_negative(double x) {
  return x >= 0 ? std::log1p(std::exp(-x)) : -x + std::log1p(std::exp(x));
}

/// log(p / (1 - p)) of a log-probability, and its slope. A chance of 1 has no odds; it stays a little below.
struct LogOdds {
  explicit LogOdds(double log_chance) {
    const double below = std::min(log_chance, -1e-12);
    value = below - std::log(-std::expm1(below));
    slope = -1 / std::expm1(below);
  }
  double value;
  double slope;
};

}  // namespace

PairLoss dpo_loss(const PairChances& learner, const PairChances& reference, double beta) {
  const double margin = beta * ((learner.chosen - learner.rejected) - (reference.chosen - reference.rejected));
  const double slope = -beta * sigmoid(-margin);
  return {softplus_of_negative(margin), slope, -slope, margin};
}

PairLoss orpo_loss(const PairChances& learner, int64_t n_chosen_tokens, int64_t n_rejected_tokens, double weight) {
  const auto n_chosen = static_cast<double>(n_chosen_tokens);
  const auto n_rejected = static_cast<double>(n_rejected_tokens);
  const LogOdds chosen(learner.chosen / n_chosen);
  const LogOdds rejected(learner.rejected / n_rejected);
  const double ratio = chosen.value - rejected.value;
  const double slope = -weight * sigmoid(-ratio);
  return {-learner.chosen / n_chosen + weight * softplus_of_negative(ratio), (-1 + slope * chosen.slope) / n_chosen,
          -slope * rejected.slope / n_rejected, ratio};
}

JudgedLoss kto_loss(double learner, double reference, double drift, double beta, bool is_desirable) {
  const double reward = learner - reference;
  const double sign = is_desirable ? 1 : -1;
  const double value = sigmoid(sign * beta * (reward - drift));
  return {1 - value, -sign * beta * value * (1 - value), beta * reward};
}

}  // namespace ondol::train
