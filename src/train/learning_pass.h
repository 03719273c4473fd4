// LearningPass: one pass over a batch, forward and back, with little memory (Chen et al., 2016: sublinear memory cost).
//
// Forward, only what goes into each block is kept. Then the logits of the rows that have targets are computed, some
// rows at a time, so that they never all exist; and then the blocks once more, the last one first, each recorded on the
// tape and followed back.
#pragma once

#include <vector>

#include "models/model.h"
#include "nn/tape.h"

namespace ondol::train {

/// A row of the batch and the token that it should predict.
struct Target {
  int32_t row = 0;
  int32_t token = 0;
};

class LearningPass final : public Learner {
 public:
  /// To evaluate is to go forward only.
  enum class Aim { kLearn, kEvaluate };

  /// `weight` multiplies the loss of every target: one over the number of targets in the whole step.
  LearningPass(Tape& tape, std::span<const Target> targets, float weight, Aim aim = Aim::kLearn)
      : tape_(tape), targets_(targets), weight_(weight), aim_(aim) {}

  Tensor run(Context& context, int n_blocks, Tensor x, const std::function<void(int)>& block,
             const std::function<Tensor(const Tensor&)>& output) override;

  /// The sum over targets of the loss, in nats, not weighted.
  double loss() const { return loss_; }

 private:
  bool learns() const { return aim_ == Aim::kLearn; }
  void learn_output(Context& context, const Tensor& x, const std::function<Tensor(const Tensor&)>& output);

  Tape& tape_;
  std::span<const Target> targets_;
  float weight_;
  Aim aim_;
  double loss_ = 0;
};

}  // namespace ondol::train
