// Reranker: how well texts answer a question, by a model that reads both. What makes the scores is handed in.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol {

class Reranker {
 public:
  virtual ~Reranker() = default;

  /// Of the model and how it scores, so that what was measured with another one does not count. One line.
  virtual std::string name() const = 0;
  /// What it is opened with: a path.
  virtual std::string source() const = 0;
  /// The most that it may count beside the order as found, from 0 to 1, however well it does with invented questions.
  virtual double most_share() const { return 1; }

  /// One number for each text, larger for those that answer better; they are compared for one question only.
  virtual Result<std::vector<float>> scores(const std::string& question, std::span<const std::string> texts) = 0;
};

}  // namespace ondol
