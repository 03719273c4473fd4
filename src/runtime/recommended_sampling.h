// How a model's makers recommend to sample it, and what somebody asked for instead.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "formats/model_file.h"
#include "runtime/sampler.h"

namespace ondol {

/// What the file says (the keys general.sampling.*, as llama.cpp has them; of Hugging Face folders,
/// generation_config.json), over the usual values. Numbers that make no sense are passed over.
SamplerOptions recommended_sampling(const ModelFile& file);

/// Some of the options, set; the others are as the model's makers recommend.
class SamplingWish {
 public:
  template <typename Value>
  void set(Value SamplerOptions::*member, Value value) {
    edits_.push_back([member, value = std::move(value)](SamplerOptions& options) { options.*member = value; });
  }

  SamplerOptions over(SamplerOptions recommended) const {
    for (const auto& edit : edits_) edit(recommended);
    return recommended;
  }

 private:
  std::vector<std::function<void(SamplerOptions&)>> edits_;
};

}  // namespace ondol
