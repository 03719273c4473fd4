// A low-rank adapter that learns (Hu et al., 2021): the model's weights stay as they are, in whatever type they have.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/model.h"
#include "train/parameters.h"

namespace ondol::train {

struct LoraOptions {
  int rank = 16;
  double alpha = 32;
  bool rank_stabilised = false;  // alpha / sqrt(rank) (Kalajdzievski, 2023) instead of alpha / rank
  /// Kinds of weights ("attn_q"); empty: every linear map of the layers that adapters can add to.
  std::vector<std::string> targets;
  uint64_t seed = 0;
};

class LoraAdapter {
 public:
  /// A begins as PEFT's does, uniform within 1 / sqrt(D), and B as zeros. Errors: a target that the model lacks.
  static Result<LoraAdapter> create(const Model& model, const LoraOptions& options, Parameters& parameters);

  /// What rows that learn use. Valid as long as this object.
  AdapterUse use() const { return {adapter_.get(), factor_}; }

  /// Writes it as a GGUF adapter for models of this architecture. Errors: whatever the system refuses.
  Result<void> write_gguf(const std::string& path, const std::string& architecture) const;

 private:
  struct Part {
    std::string stem;
    LowRank parts;
  };

  LoraOptions options_;
  float factor_ = 1.0f;
  std::unique_ptr<Adapter> adapter_;
  std::vector<Part> parts_;
};

}  // namespace ondol::train
