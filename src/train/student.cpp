#include "train/student.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol::train {
namespace {

/// A packed sequence as the slices of a batch, each segment a sequence of its own, and what its rows should predict.
struct PackedBatch {
  Batch batch;
  std::vector<KvSequence> sequences;
  std::vector<Target> targets;
};

/// The tokens before the last target: nothing depends on the others.
int n_rows_of(const Segment& segment) {
  for (size_t i = segment.tokens.size(); i > 1; --i) {
    if (segment.is_target[i - 1] != 0) return static_cast<int>(i - 1);
  }
  return 0;
}

/// Each segment's targets are a group of their own, or all are one.
Result<PackedBatch> unpack(const PackedSequence& packed, KvCache& cache, bool by_segment) {
  PackedBatch made;
  made.sequences.reserve(packed.segments.size());
  int32_t group = 0;
  for (const Segment& segment : packed.segments) {
    const int n = n_rows_of(segment);
    const auto first_row = static_cast<int32_t>(made.batch.tokens.size());
    for (size_t i = 1; i <= static_cast<size_t>(n); ++i) {
      if (segment.is_target[i] == 0) continue;
      made.targets.push_back({first_row + static_cast<int32_t>(i) - 1, segment.tokens[i], group});
    }
    if (by_segment) ++group;
    if (n == 0) continue;
    made.sequences.emplace_back(cache);
    ONDOL_TRY(made.sequences.back().append(n));
    made.batch.slices.push_back({&made.sequences.back(), first_row, n, 0, n});
    made.batch.tokens.insert(made.batch.tokens.end(), segment.tokens.begin(), segment.tokens.begin() + n);
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
  return ONDOL_TRY(pass(sequence, {&weight, 1}, LearningPass::Aim::kLearn, Adapted::kYes))[0];
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
  const float weight = 1.0f;
  return ONDOL_TRY(pass(sequence, {&weight, 1}, LearningPass::Aim::kEvaluate, Adapted::kYes))[0];
}

Result<std::vector<double>> Student::learn_weighted(const PackedSequence& sequence, std::span<const float> weights) {
  return pass(sequence, weights, LearningPass::Aim::kLearn, Adapted::kYes);
}

Result<std::vector<double>> Student::evaluate_segments(const PackedSequence& sequence, Adapted adapted) {
  const std::vector<float> weights(sequence.segments.size(), 1.0f);
  return pass(sequence, weights, LearningPass::Aim::kEvaluate, adapted);
}

Result<double> Student::stay(const PackedSequence& sequence, float weight) {
  ONDOL_CHECK(adapter_.has_value());
  Reference reference;
  ONDOL_TRY(pass(sequence, {&weight, 1}, LearningPass::Aim::kRemember, Adapted::kNo, &reference));
  return ONDOL_TRY(pass(sequence, {&weight, 1}, LearningPass::Aim::kStay, Adapted::kYes, &reference))[0];
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

Result<std::vector<double>> Student::pass(const PackedSequence& sequence, std::span<const float> weights,
                                          LearningPass::Aim aim, Adapted adapted, Reference* reference) {
  ONDOL_TRY(make_room(sequence));
  const PackedBatch packed = ONDOL_TRY(unpack(sequence, *cache_, weights.size() == sequence.segments.size()));
  if (packed.targets.empty()) return std::vector<double>(weights.size(), 0.0);
  const ArenaScope scope(arena_);
  LearningPass learning(tape_, memory_, packed.targets, weights, aim, reference);
  Context context{tape_, arena_};
  if (adapter_ && adapted == Adapted::kYes) {
    context.adapters = {{*adapter_, 0, static_cast<int>(packed.batch.tokens.size())}};
  }
  context.learner = &learning;
  const Tape::Position start = tape_.position();
  tape_.record(learning.learns());
  model_.forward(packed.batch, *cache_, context);
  tape_.backward(start);
  tape_.record(false);
  return learning.losses();
}

}  // namespace ondol::train
