// Keeping: what a model says of other texts is to stay as it was while an adapter learns.
//
// Each step takes a window of these texts and adds the gradient of how far the adapted model's predictions are from the
// untouched model's (the divergence of derivatives.h; as in learning without forgetting, Li and Hoiem, 2016). The
// untouched model is the same one without its adapter, so nothing else is in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "text/tokenizer.h"
#include "train/data/text_stream.h"
#include "train/student.h"

namespace ondol::train {

struct KeepOptions {
  std::vector<std::string> paths;  // plain texts, and folders of them; none: nothing is kept
  double weight = 1.0;             // of the mean divergence of a window's tokens, beside the mean loss of the examples
};

class Keeping {
 public:
  /// Tokens of a window: the logits of all of them exist twice.
  static constexpr size_t kWindow = 256;

  /// `student` must outlive it. Errors: those of TextStream::open, and files that are not plain texts.
  static Result<Keeping> open(const KeepOptions& options, uint64_t seed, const Tokenizer& tokenizer, Student& student);

  /// Adds the gradients of a step. Returns the mean divergence of its tokens, in nats.
  Result<double> learn();
  /// The step after `n_steps` comes next.
  Result<void> seek(int64_t n_steps);
  /// Of the texts, their tokens and the seed.
  Hash128 hash() const { return texts_->position().data; }

 private:
  Keeping(Student& student, double weight, std::unique_ptr<TextStream> texts)
      : student_(&student), weight_(weight), texts_(std::move(texts)) {}

  Student* student_;
  double weight_;
  std::unique_ptr<TextStream> texts_;
};

}  // namespace ondol::train
