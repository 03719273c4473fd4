// Parameters: the weights that learn, with their gradients.
#pragma once

#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "nn/tape.h"

namespace ondol::train {

struct Parameter {
  std::string name;
  Tensor value;              // F32, contiguous; changed in place by optimizers
  Tensor gradient;           // of the same shape
  double rate_factor = 1.0;  // of the learning rate

  /// Matrices decay and are what Muon turns; vectors (norms and biases) are neither.
  bool is_matrix() const { return value.rows() > 1; }
};

class Parameters final : public WeightGradients {
 public:
  /// `value` must be F32 and live as long as this.
  void add(std::string name, const Tensor& value);
  /// The same for a value that layers do not use itself: `seen`, of as many elements, is made of it. of(seen) collects
  /// the gradient of `seen`; who made it turns that into the gradient of `value` before the optimizer's step.
  void add(std::string name, const Tensor& value, const Tensor& seen);

  std::vector<Parameter>& all() { return all_; }
  const std::vector<Parameter>& all() const { return all_; }
  int64_t n_elements() const;

  /// `threads` may be absent, here and below: then one does everything.
  void clear_gradients(ThreadPool* threads = nullptr);
  /// The root of the sum of squares of all gradients, in the same order for any number of threads.
  double gradient_norm(ThreadPool* threads = nullptr) const;

  /// The gradient of a parameter or of some of its rows.
  Tensor of(const Tensor& weight) override;

 private:
  std::vector<Parameter> all_;
  std::vector<Buffer> memory_;
  std::map<const uint8_t*, size_t> by_address_;
};

}  // namespace ondol::train
