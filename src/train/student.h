// Student: a model that learns from packed sequences.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/model.h"
#include "nn/tape.h"
#include "train/data/segment.h"
#include "train/learning_pass.h"
#include "train/parameters.h"

namespace ondol::train {

/// Short sequences go through the model together up to so many tokens: weights are read once for all of them.
constexpr size_t kRowsAtOnce = 2048;

/// An error for models whose operations have no gradients: encoders, and DeepSeek's latent attention.
Result<void> check_can_learn(const Model& model);

class Student {
 public:
  /// All must outlive it. With an adapter, all rows use it.
  Student(const Model& model, Backend& backend, Parameters& parameters, ProductTypes types,
          std::optional<AdapterUse> adapter);

  /// So many bytes may be taken to keep what blocks compute, which they then need not compute again.
  void set_recording_budget(size_t size_bytes) { memory_.budget_bytes = size_bytes; }

  /// Adds the gradients of `weight` times the loss of every target. Returns the sum of the losses, in nats. Error: no
  /// memory for the sequence.
  Result<double> learn(const PackedSequence& sequence, float weight);
  /// Of all of them; several go through the model at once.
  Result<double> learn(std::span<const PackedSequence> sequences, float weight);
  /// The sum of the losses only.
  Result<double> evaluate(const PackedSequence& sequence);

  /// As learn, with a weight for each segment, which may be negative. Returns the loss of each.
  Result<std::vector<double>> learn_weighted(const PackedSequence& sequence, std::span<const float> weights);
  /// The loss of each segment; without its adapter, the model is what it was before it learned.
  enum class Adapted { kNo, kYes };
  Result<std::vector<double>> evaluate_segments(const PackedSequence& sequence, Adapted adapted);
  /// Adds the gradients of `weight` times how far the logits of the targets' rows are from those without the adapter,
  /// the divergence of derivatives.h, whose sum is returned. Needs an adapter.
  Result<double> stay(const PackedSequence& sequence, float weight);

 private:
  /// Either one weight for all, or one for each segment; as many losses are returned.
  Result<std::vector<double>> pass(const PackedSequence& sequence, std::span<const float> weights,
                                   LearningPass::Aim aim, Adapted adapted, Reference* reference = nullptr);
  /// Room for the keys and values of all segments.
  Result<void> make_room(const PackedSequence& sequence);

  const Model& model_;
  Arena arena_;
  Tape tape_;
  RecordingMemory memory_;
  std::optional<AdapterUse> adapter_;
  std::optional<KvCache> cache_;
};

}  // namespace ondol::train
