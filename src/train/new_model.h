// New models: an architecture's tensors with random numbers, to be trained from scratch.
#pragma once

#include <memory>

#include "formats/model_file.h"

namespace ondol::train {

/// A Llama (Touvron et al., 2023) whose output matrix is its embedding.
struct NewModelOptions {
  std::string architecture = "llama";
  int64_t n_layers = 4;
  int64_t width = 128;
  int64_t n_heads = 4;
  int64_t n_kv_heads = 0;   // 0: as many as heads
  int64_t inner_width = 0;  // 0: 8/3 of the width, in whole blocks
  int64_t context = 1024;
  double rope_base = 10000.0;
  uint64_t seed = 0;
};

/// A file in memory with tensors in F32. `tokenizer` is GGUF metadata of a vocabulary of so many tokens. Weights are
/// normal with a deviation of 0.02; those that add to the residual stream, by 1 / sqrt(2 layers) of it (GPT-2). Errors
/// name the option: an architecture other than llama, numbers that do not fit together.
Result<std::shared_ptr<const ModelFile>> make_model(const NewModelOptions& options, int64_t n_tokens,
                                                    const Metadata& tokenizer);

}  // namespace ondol::train
