// DraftTrials: when a draft model works and when it rests.
//
// Whether a model's guesses pay cannot be known without making them, and a model that rests falls behind the text and
// has to read what it missed. So it is tried for a few rounds (a draft and the pass that evaluates it), goes on for as
// long as rounds yield more tokens than plain passes would in the same time, and otherwise rests for so much longer
// than the trial took that a draft that never pays costs nearly nothing.
#pragma once

namespace ondol {

/// A draft and the pass over it.
struct Round {
  int n_tokens = 1;  // that the pass yielded: one, and the right guesses
  double draft_seconds = 0;
  double pass_seconds = 0;
};

class DraftTrials {
 public:
  bool is_on() const { return rest_seconds_ <= 0; }

  /// Tokens per plain pass's time that the model's rounds yield; while a trial is young, at least what it may.
  double gain() const;

  /// `most_gain` is what guesses that are always right would yield (DraftPolicy).
  void saw_round(const Round& round, double plain_seconds, double most_gain);
  /// The model read what it had missed.
  void saw_reading(double seconds) { reading_seconds_ += seconds; }
  /// A pass without the model.
  void saw_other_pass(double seconds) { rest_seconds_ -= seconds; }

 private:
  static constexpr double kPromise = 1.2;  // of a model that nothing is known of
  double measured_gain() const { return n_tokens_ / cost_; }
  void rest();

  double n_tokens_ = kPromise;  // of a round, the recent ones counting most
  double cost_ = 1.0;           // of a round, in plain passes
  double draft_seconds_ = 0;    // of a round
  double reading_seconds_ = 0;  // since the trial began
  int n_rounds_ = 0;            // since the trial began
  int n_failures_ = 0;          // trials in a row that did not pay
  double rest_seconds_ = 0;     // left, counted in passes
};

}  // namespace ondol
