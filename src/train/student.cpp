#include "train/student.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol::train {
namespace {

/// Short sequences go through the model together up to so many tokens: weights are read once for all of them.
constexpr size_t kRowsAtOnce = 1024;

/// A packed sequence as the slices of a batch, each segment a sequence of its own, and what its rows should predict.
struct PackedBatch {
  Batch batch;
  std::vector<KvSequence> sequences;
  std::vector<Target> targets;
};

Result<PackedBatch> unpack(const PackedSequence& packed, KvCache& cache) {
  PackedBatch made;
  made.sequences.reserve(packed.segments.size());
  for (const Segment& segment : packed.segments) {
    const auto n = static_cast<int>(segment.tokens.size());
    const auto first_row = static_cast<int32_t>(made.batch.tokens.size());
    made.sequences.emplace_back(cache);
    ONDOL_TRY(made.sequences.back().append(n));
    made.batch.slices.push_back({&made.sequences.back(), first_row, n, 0, n});
    for (size_t i = 1; i < segment.tokens.size(); ++i) {
      if (segment.is_target[i] == 0) continue;
      made.targets.push_back({first_row + static_cast<int32_t>(i) - 1, segment.tokens[i]});
    }
    made.batch.tokens.insert(made.batch.tokens.end(), segment.tokens.begin(), segment.tokens.end());
  }
  return made;
}

}  // namespace

Result<void> check_can_learn(const Model& model) {
  const ModelConfig& config = model.config();
  const bool has_latents = std::any_of(config.kv_layers.begin(), config.kv_layers.end(),
                                       [](const KvLayerShape& layer) { return layer.v_in_k; });
  if (config.causal && !has_latents) return {};
  return Error(
      fmt::format("models of the architecture '{}' cannot learn yet: expected a decoder without latent attention",
                  config.architecture));
}

Student::Student(const Model& model, Backend& backend, Parameters& parameters, ProductTypes types,
                 std::optional<AdapterUse> adapter)
    : model_(model), tape_(backend, arena_, parameters, types), adapter_(adapter) {}

Result<double> Student::learn(const PackedSequence& sequence, float weight) {
  return pass(sequence, weight, LearningPass::Aim::kLearn);
}

Result<double> Student::learn(std::span<const PackedSequence> sequences, float weight) {
  double loss = 0;
  PackedSequence together;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const PackedSequence& sequence = sequences[i];
    together.segments.insert(together.segments.end(), sequence.segments.begin(), sequence.segments.end());
    const bool is_last = i + 1 == sequences.size();
    if (!is_last && together.n_tokens() + sequences[i + 1].n_tokens() <= kRowsAtOnce) continue;
    loss += ONDOL_TRY(learn(together, weight));
    together.segments.clear();
  }
  return loss;
}

Result<double> Student::evaluate(const PackedSequence& sequence) {
  return pass(sequence, 1.0f, LearningPass::Aim::kEvaluate);
}

Result<void> Student::make_room(const PackedSequence& sequence) {
  int64_t n = 0;
  for (const Segment& segment : sequence.segments) {
    n += (static_cast<int64_t>(segment.tokens.size()) + kPageTokens - 1) / kPageTokens * kPageTokens;
  }
  if (cache_ && int64_t{cache_->n_pages()} * kPageTokens >= n) return {};
  cache_.reset();
  cache_ = ONDOL_TRY(KvCache::create(model_.config().kv_layers, DType::F32, n));
  return {};
}

Result<double> Student::pass(const PackedSequence& sequence, float weight, LearningPass::Aim aim) {
  ONDOL_TRY(make_room(sequence));
  const PackedBatch packed = ONDOL_TRY(unpack(sequence, *cache_));
  if (packed.targets.empty()) return 0.0;
  const ArenaScope scope(arena_);
  LearningPass learning(tape_, memory_, packed.targets, weight, aim);
  Context context{tape_, arena_};
  if (adapter_) context.adapters = {{*adapter_, 0, static_cast<int>(packed.batch.tokens.size())}};
  context.learner = &learning;
  const Tape::Position start = tape_.position();
  tape_.record(aim == LearningPass::Aim::kLearn);
  model_.forward(packed.batch, *cache_, context);
  tape_.backward(start);
  tape_.record(false);
  return learning.loss();
}

}  // namespace ondol::train
