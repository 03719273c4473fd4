// TextEmbedder: texts as vectors whose products tell how near they are in meaning. What makes them is handed in.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol {

class TextEmbedder {
 public:
  virtual ~TextEmbedder() = default;

  /// Of the model, so that vectors of different ones never meet.
  virtual std::string name() const = 0;
  /// What it is opened with: a path.
  virtual std::string source() const = 0;
  virtual int width() const = 0;

  /// For each text the vectors of its parts, of length 1: a text that is longer than the model reads well is several.
  using Parts = std::vector<std::vector<float>>;
  virtual Result<std::vector<Parts>> embed_documents(std::span<const std::string> texts) = 0;
  virtual Result<std::vector<float>> embed_question(const std::string& text) = 0;
};

}  // namespace ondol
