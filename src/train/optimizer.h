// Optimizer: how gradients change weights. One file of optimizers/ for each kind, and a line in optimizer.cpp.
//
// Results do not depend on the number of threads. What an optimizer remembers can be saved and restored.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "base/thread_pool.h"
#include "formats/model_file.h"
#include "train/parameters.h"

namespace ondol::train {

enum class OptimizerKind { kAdamW, kAdamW8Bit, kAdamWBf16, kMuon, kLion };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdamW;
  double beta1 = 0.9;
  double beta2 = 0.95;  // Lion: 0.99 is usual
  double epsilon = 1e-8;
  double decay = 0.1;      // of matrices, decoupled (Loshchilov and Hutter, 2019)
  double momentum = 0.95;  // Muon's
  uint64_t seed = 0;       // of what is rounded at random
};

/// "adamw", "adamw-8bit", "adamw-bf16", "muon", "lion".
std::string_view optimizer_name(OptimizerKind kind);

/// Bytes that an optimizer of this kind remembers for each number of a matrix.
double state_bytes_per_number(OptimizerKind kind);

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step with the gradients times `gradient_factor`: multiplying them beforehand would take a pass of its own.
  void step(Parameters& parameters, double rate, float gradient_factor = 1.0f) {
    ++n_steps_;
    gradient_factor_ = gradient_factor;
    update(parameters, rate);
  }

  int64_t n_steps() const { return n_steps_; }
  void resume_at(int64_t n_steps) { n_steps_ = n_steps; }

  /// What is remembered, under names that belong to the parameters'; it may be overwritten to restore it.
  virtual std::vector<TensorEntry> states() = 0;

 protected:
  /// Of the step that is under way.
  float gradient_factor() const { return gradient_factor_; }

 private:
  virtual void update(Parameters& parameters, double rate) = 0;
  int64_t n_steps_ = 0;
  float gradient_factor_ = 1.0f;
};

/// With what optimizers compute. Both may be absent: then one thread does everything, but for Muon, which needs the
/// backend for its products. Both must outlive the optimizer.
struct OptimizerTools {
  ThreadPool* threads = nullptr;
  Backend* backend = nullptr;
};

std::unique_ptr<Optimizer> create_optimizer(const Parameters& parameters, const OptimizerOptions& options,
                                            OptimizerTools tools = {});

}  // namespace ondol::train
