// LearningPass: one pass over a batch, forward and back, with little memory (Chen et al., 2016: sublinear memory cost).
//
// Forward, the last blocks are recorded on the tape, as many as memory is allowed for; of the others only what goes
// into them is kept. Then the logits of the rows that have targets are computed, some rows at a time, so that they
// never all exist. Then it goes back, and blocks that were not recorded are computed once more.
#pragma once

#include <vector>

#include "models/model.h"
#include "nn/tape.h"

namespace ondol::train {

/// Logits that exist at a time: 128 MiB of them.
constexpr int64_t kLogitsAtOnce = int64_t{1} << 25;

/// A row of the batch and the token that it should predict.
struct Target {
  int32_t row = 0;
  int32_t token = 0;
  int32_t group = 0;  // targets of a group share a weight; they follow one another
};

/// What a pass may keep of blocks, and what the passes before it have found out.
struct RecordingMemory {
  size_t budget_bytes = 0;
  double bytes_per_row = 0;  // of a block's recording; 0: not known yet

  /// How many of n_blocks blocks may be recorded for n_rows rows: one at least.
  int blocks(int n_blocks, int64_t n_rows) const;
};

/// The logits of every target as they were when they were remembered: [targets, vocabulary], row by row.
struct Reference {
  std::vector<float> logits;
  size_t used = 0;  // of them, by the rows that were compared so far
};

class LearningPass final : public Learner {
 public:
  /// To evaluate is to go forward only; to remember, to put the logits into the reference as well. Who is to stay
  /// learns from how far its logits are from the reference's, not from the targets' tokens.
  enum class Aim { kLearn, kEvaluate, kRemember, kStay };

  /// `weights` multiply the losses of the targets of each group: for one group, one over the number of targets in the
  /// whole step.
  LearningPass(Tape& tape, RecordingMemory& memory, std::span<const Target> targets, std::span<const float> weights,
               Aim aim = Aim::kLearn, Reference* reference = nullptr)
      : tape_(tape),
        memory_(memory),
        targets_(targets),
        weights_(weights),
        aim_(aim),
        reference_(reference),
        losses_(weights.size(), 0.0) {}

  Tensor run(Context& context, int n_blocks, Tensor x, const std::function<void(int)>& block,
             const std::function<Tensor(const Tensor&)>& output) override;

  /// For each group, the sum over its targets of the loss, in nats, not weighted; of who is to stay, the first has all.
  const std::vector<double>& losses() const { return losses_; }
  /// Whether it goes back, too.
  bool learns() const { return aim_ == Aim::kLearn || aim_ == Aim::kStay; }

 private:
  /// Adds to losses_; dlogits, which may be logits, becomes their gradient.
  void find_losses(std::span<const Target> targets, const Tensor& logits, Tensor dlogits);
  void add_losses(std::span<const Target> targets, const Tensor& logits, Tensor dlogits);
  void learn_output(Context& context, const Tensor& x, const std::function<Tensor(const Tensor&)>& output);

  Tape& tape_;
  RecordingMemory& memory_;
  std::span<const Target> targets_;
  std::span<const float> weights_;
  Aim aim_;
  Reference* reference_;
  std::vector<double> losses_;
};

}  // namespace ondol::train
