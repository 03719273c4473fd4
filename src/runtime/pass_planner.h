// PassPlanner: which rows of which texts the next forward pass takes.
//
// Every text that is being generated gets its row. Prompts share what is left of the pass: in turns between clients, a
// page's worth of rows at a time, and first come first served within one, so a short prompt passes a long one.
//
// How many rows prompts get while something is generated is a compromise. A pass over more rows of prompts reads the
// weights for more of them at once, but whoever is waiting for the next token waits longer. As many are taken as
// lengthen the pass to kLongerPass times one without them, by the times that were measured, but no fewer than
// kLeastRows: with fewer, the work on the weights would be done again for every handful of tokens, and everybody's
// prompts would take longer than the smoothness is worth.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondol {

class PassPlanner {
 public:
  static constexpr double kLongerPass = 3;
  static constexpr int kLeastRows = 64;
  static constexpr int kTurnRows = 32;
  static constexpr int kMostForcedRows = 8;  // of a text that is being generated, taken at once

  /// A running text, the oldest first.
  struct Wish {
    std::string_view client;
    int n_rows = 0;  // that it has left to evaluate; 0: it waits for something else
    bool is_generating = false;
  };

  /// At most batch_rows in a pass, and prefill_rows of prompts.
  PassPlanner(int batch_rows, int prefill_rows) : batch_rows_(batch_rows), prefill_rows_(prefill_rows) {}

  /// The number of rows for each wish.
  std::vector<int> plan(std::span<const Wish> wishes);

  /// A pass over so many rows took this long.
  void saw_pass(int n_generating, int n_prompt, double seconds);

  /// Rows of prompts in a pass at most.
  int prompt_rows(bool is_generating) const;

 private:
  int batch_rows_;
  int prefill_rows_;
  std::string last_client_;        // whose turn was the last
  double generating_seconds_ = 0;  // of a pass without prompts; 0: not measured yet
  double prompt_row_seconds_ = 0;  // that a row of a prompt adds
};

}  // namespace ondol
