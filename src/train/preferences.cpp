#include "train/preferences.h"

#include <algorithm>

#include "train/preference_losses.h"

namespace ondol::train {
namespace {

using Kind = PreferenceOptions::Kind;

Hash128 hash_of(const Segment& segment) {
  const Hash128 tokens =
      hash_bytes({reinterpret_cast<const uint8_t*>(segment.tokens.data()), segment.tokens.size() * sizeof(int32_t)});
  return hash_bytes(segment.is_target, tokens);
}

int64_t n_targets(const Segment& segment) {
  return std::count_if(segment.is_target.begin(), segment.is_target.end(), [](uint8_t is) { return is != 0; });
}

/// Where the answer begins.
size_t answer_begin(const Segment& segment) {
  return static_cast<size_t>(std::find(segment.is_target.begin(), segment.is_target.end(), 1) -
                             segment.is_target.begin());
}

/// The prompt of one with the answer of another.
Segment mismatched(const Segment& prompt, const Segment& answer) {
  const auto n = static_cast<std::ptrdiff_t>(answer_begin(prompt));
  const auto from = static_cast<std::ptrdiff_t>(answer_begin(answer));
  Segment made;
  made.tokens.assign(prompt.tokens.begin(), prompt.tokens.begin() + n);
  made.is_target.assign(prompt.is_target.begin(), prompt.is_target.begin() + n);
  made.tokens.insert(made.tokens.end(), answer.tokens.begin() + from, answer.tokens.end());
  made.is_target.insert(made.is_target.end(), answer.is_target.begin() + from, answer.is_target.end());
  return made;
}

/// Pairs, or judged answers.
int64_t count(std::span<const PackedSequence> sequences, Kind kind) {
  size_t n = 0;
  for (const PackedSequence& sequence : sequences) n += sequence.segments.size();
  return static_cast<int64_t>(kind == Kind::kKto ? n : n / 2);
}

}  // namespace

Result<PreferenceReport> Preferences::learn(std::span<const PackedSequence> sequences) {
  return go(sequences, true);
}

Result<PreferenceReport> Preferences::evaluate(std::span<const PackedSequence> sequences) {
  return go(sequences, false);
}

Result<PreferenceReport> Preferences::go(std::span<const PackedSequence> sequences, bool learns) {
  PreferenceReport report;
  report.n = count(sequences, options_.kind);
  const double away = options_.kind == Kind::kKto ? ONDOL_TRY(drift(sequences)) : 0;
  for (const PackedSequence& sequence : sequences) {
    const std::vector<double> by_segment =
        ONDOL_TRY(slopes(sequence, away, 1.0 / static_cast<double>(report.n), report));
    // The student's loss is minus the log-probability.
    std::vector<float> weights;
    for (const double slope : by_segment) weights.push_back(static_cast<float>(-slope));
    if (learns) ONDOL_TRY(student_.learn_weighted(sequence, weights));
  }
  return report;
}

Result<Preferences::Chances> Preferences::chances(const PackedSequence& sequence) {
  Chances losses = ONDOL_TRY(student_.evaluate_segments(sequence, Student::Adapted::kYes));
  for (double& loss : losses) loss = -loss;
  return losses;
}

/// Each segment is evaluated by itself, as products of other rows beside it would round otherwise: a training that goes
/// on after a crash meets it in another sequence.
Result<Preferences::Chances> Preferences::reference_chances(const PackedSequence& sequence) {
  Chances known;
  for (const Segment& segment : sequence.segments) {
    const Hash128 key = hash_of(segment);
    const auto found = reference_.find(key);
    if (found != reference_.end()) {
      known.push_back(found->second);
      continue;
    }
    const double loss = ONDOL_TRY(student_.evaluate_segments({{segment}}, Student::Adapted::kNo))[0];
    known.push_back(-loss);
    reference_[key] = -loss;
  }
  return known;
}

Result<double> Preferences::drift(std::span<const PackedSequence> sequences) {
  std::vector<const Segment*> all;
  for (const PackedSequence& sequence : sequences) {
    for (const Segment& segment : sequence.segments) all.push_back(&segment);
  }
  if (all.size() < 2) return 0.0;
  double sum = 0;
  size_t at = 0;
  for (const PackedSequence& sequence : sequences) {
    PackedSequence others;
    for (size_t i = 0; i < sequence.segments.size(); ++i, ++at) {
      others.segments.push_back(mismatched(*all[at], *all[(at + 1) % all.size()]));
    }
    const Chances learner = ONDOL_TRY(chances(others));
    const Chances reference = ONDOL_TRY(student_.evaluate_segments(others, Student::Adapted::kNo));
    for (size_t i = 0; i < learner.size(); ++i) sum += learner[i] + reference[i];  // the latter are losses
  }
  return std::max(0.0, sum / static_cast<double>(all.size()));
}

Result<std::vector<double>> Preferences::slopes(const PackedSequence& sequence, double drift, double share,
                                                PreferenceReport& report) {
  const Chances learner = ONDOL_TRY(chances(sequence));
  const Chances reference = options_.kind == Kind::kOrpo ? learner : ONDOL_TRY(reference_chances(sequence));
  std::vector<double> found(learner.size(), 0.0);
  for (size_t i = 0; i < found.size(); ++i) {
    if (options_.kind == Kind::kKto) {
      add_judged(sequence.segments[i], learner[i], reference[i], drift, found[i], report);
    } else {
      ONDOL_CHECK(i + 1 < found.size());
      add_pair(sequence, i++, learner, reference, found, report);
    }
  }
  for (double& slope : found) slope *= share;
  return found;
}

void Preferences::add_pair(const PackedSequence& sequence, size_t i, const Chances& learner, const Chances& reference,
                           std::vector<double>& slopes, PreferenceReport& report) const {
  const Segment& chosen = sequence.segments[i];
  const Segment& rejected = sequence.segments[i + 1];
  ONDOL_CHECK(chosen.role == SegmentRole::kChosen && rejected.role == SegmentRole::kRejected);
  const PairChances chances{learner[i], learner[i + 1]};
  const PairLoss pair = options_.kind == Kind::kDpo
                            ? dpo_loss(chances, {reference[i], reference[i + 1]}, options_.beta)
                            : orpo_loss(chances, n_targets(chosen), n_targets(rejected), options_.odds_weight);
  slopes[i] = pair.chosen_slope;
  slopes[i + 1] = pair.rejected_slope;
  report.loss += pair.loss;
  report.margin += pair.margin;
  report.n_right += pair.margin > 0 ? 1 : 0;
}

void Preferences::add_judged(const Segment& segment, double learner, double reference, double drift, double& slope,
                             PreferenceReport& report) const {
  const bool is_desirable = segment.role == SegmentRole::kDesirable;
  const double weight = is_desirable ? options_.desirable : options_.undesirable;
  const JudgedLoss judged = kto_loss(learner, reference, drift, options_.beta, is_desirable);
  slope = weight * judged.slope;
  report.loss += weight * judged.loss;
  report.margin += is_desirable ? judged.reward : -judged.reward;
  report.n_right += (judged.reward > 0) == is_desirable ? 1 : 0;
}

}  // namespace ondol::train
