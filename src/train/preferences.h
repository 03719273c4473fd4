// Preferences: what a student learns from answers that people compared or judged.
//
// Each step goes through the model forward to find how likely the answers are, and then learns each of them with the
// weight that the loss gives it. The reference is the same model without its adapter; how likely it finds an answer is
// computed once and kept.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "base/hash.h"
#include "train/student.h"

namespace ondol::train {

struct PreferenceOptions {
  enum class Kind { kDpo, kOrpo, kKto };
  Kind kind = Kind::kDpo;
  double beta = 0.1;         // DPO and KTO: how much a change away from the reference counts
  double odds_weight = 0.1;  // ORPO: of the odds ratio
  double desirable = 1.0;    // KTO: weight of good answers
  double undesirable = 1.0;  // of bad ones
};

/// Sums over pairs (DPO, ORPO) or answers (KTO).
struct PreferenceReport {
  double loss = 0;
  double margin = 0;   // KTO: of rewards, the good ones' minus the bad ones'
  double n_right = 0;  // with a margin above 0; KTO: rewards of the right sign
  int64_t n = 0;
};

class Preferences {
 public:
  /// `student` must outlive it.
  Preferences(Student& student, const PreferenceOptions& options) : student_(student), options_(options) {}

  /// Adds the gradients of the mean loss of all pairs or answers.
  Result<PreferenceReport> learn(std::span<const PackedSequence> sequences);
  Result<PreferenceReport> evaluate(std::span<const PackedSequence> sequences);

 private:
  using Chances = std::vector<double>;  // log-probabilities of the segments of a sequence

  Result<Chances> chances(const PackedSequence& sequence);
  Result<Chances> reference_chances(const PackedSequence& sequence);
  Result<double> drift(std::span<const PackedSequence> sequences);
  /// The slope of the mean loss by each segment's log-probability.
  Result<std::vector<double>> slopes(const PackedSequence& sequence, double drift, double share,
                                     PreferenceReport& report);
  void add_pair(const PackedSequence& sequence, size_t i, const Chances& learner, const Chances& reference,
                std::vector<double>& slopes, PreferenceReport& report) const;
  void add_judged(const Segment& segment, double learner, double reference, double drift, double& slope,
                  PreferenceReport& report) const;
  Result<PreferenceReport> go(std::span<const PackedSequence> sequences, bool learns);

  Student& student_;
  PreferenceOptions options_;
  std::map<Hash128, double> reference_;
};

}  // namespace ondol::train
