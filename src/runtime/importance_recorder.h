// ImportanceRecorder: which columns of each weight see large inputs, over a text. Quantisers spend their precision
// there.
//
// The result is an importance matrix in the GGUF form that other programs read too: for each weight, the sums of
// squared inputs per column ("NAME.in_sum2", one row per expert) and how many rows were seen ("NAME.counts").
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/engine.h"

namespace ondol {

class ImportanceRecorder {
 public:
  /// To be handed to EngineOptions::observer; the recorder must stay where it is.
  ProductObserver observer();

  /// Evaluates `tokens` in chunks of `context`, recording. `engine` was opened with observer().
  Result<void> record(Engine& engine, std::span<const TokenId> tokens, int context, int max_chunks,
                      const EvaluationProgress& progress);

  /// Writes what was recorded. `dataset` names the text, for people.
  Result<void> write(const std::string& path, const std::string& dataset) const;

 private:
  /// One tensor of the file: a matrix, or a stack of them, one per expert.
  struct Entry {
    std::string name;
    const uint8_t* begin;
    const uint8_t* end;
    int64_t n_columns;
    int64_t n_matrices;
    std::vector<float> sums;    // [n_matrices][n_columns]
    std::vector<float> counts;  // [n_matrices]
  };

  void attach(const ModelFile& file);
  void observe(const Tensor& weight, const Tensor& x);

  std::vector<Entry> entries_;  // in the order of their memory
  int n_chunks_ = 0;
  int context_ = 0;
};

}  // namespace ondol
