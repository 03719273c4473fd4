// A low-rank adapter that learns (Hu et al., 2021): the model's weights stay as they are, in whatever type they have.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/thread_pool.h"
#include "models/model.h"
#include "train/parameters.h"

namespace ondol::train {

struct LoraOptions {
  int rank = 16;
  double alpha = 32;
  bool rank_stabilised = false;  // alpha / sqrt(rank) (Kalajdzievski, 2023) instead of alpha / rank
  double b_rate = 1.0;           // how much faster B learns than A: 16 for LoRA+ (Hayou et al., 2024)
  bool magnitudes = false;       // the length of every row learns by itself: DoRA (Liu et al., 2024)
  /// Kinds of weights ("attn_q"); empty: every linear map of the layers that adapters can add to.
  std::vector<std::string> targets;
  uint64_t seed = 0;
};

class LoraAdapter {
 public:
  /// What was made for one weight of the model, which is `matrix` under the name `stem`.
  struct Part {
    std::string stem;
    Tensor matrix;
    LowRank parts;
    OwnedTensor magnitude;  // F32 [H]; empty without magnitudes
    OwnedTensor lengths;    // of the rows of W + B A at present
  };

  /// A begins as PEFT's does, uniform within 1 / sqrt(D), and B as zeros; magnitudes as the lengths of the model's
  /// rows. `threads`, if any, must outlive it. Errors: a target that the model lacks.
  static Result<LoraAdapter> create(const Model& model, const LoraOptions& options, Parameters& parameters,
                                    ThreadPool* threads = nullptr);

  /// How many numbers would learn.
  static int64_t count(const Model& model, const LoraOptions& options);

  /// What rows that learn use. Valid as long as this object.
  AdapterUse use() const { return {adapter_.get(), factor_}; }

  /// To be called when A, B or magnitudes have changed.
  void refresh();
  /// To be called when all gradients of a step are there: those of what rows are stretched by become those of their
  /// magnitudes. The lengths count as constants, as in the paper (section 4.3).
  void finish_gradients(Parameters& parameters) const;

  const LoraOptions& options() const { return options_; }
  const std::vector<Part>& parts() const { return parts_; }

  /// Writes it as a GGUF adapter for models of this architecture. Errors: whatever the system refuses.
  Result<void> write_gguf(const std::string& path, const std::string& architecture) const;
  /// Writes it as a folder of the peft package. `base` is the file of `model`. Errors: those of write_peft_adapter.
  Result<void> write_peft(const std::string& folder, const Model& model, const ModelFile& base) const;

 private:
  void add_part(const std::string& stem, const Tensor& matrix, Parameters& parameters, Random& random);

  LoraOptions options_;
  float factor_ = 1.0f;
  ThreadPool* threads_ = nullptr;
  std::unique_ptr<Adapter> adapter_;
  std::vector<Part> parts_;
};

}  // namespace ondol::train
