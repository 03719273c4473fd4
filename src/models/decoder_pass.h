// The pass of a decoder, whose parts every architecture names and nothing else: blocks that add to a residual stream,
// then a norm and an output. Inference runs them one after another; who learns from a pass runs them in its own order
// (nn/context.h: Learner).
#pragma once

#include <functional>

#include "models/model.h"

namespace ondol {

struct DecoderParts {
  std::function<void(int layer, Tensor x)> mix;        // adds what the layer's attention gives for the rows of x
  std::function<void(int layer, Tensor x)> transform;  // adds what the layer's MLP or experts give
  std::function<Tensor(const Tensor& x)> norm;         // the hidden states
  std::function<Tensor(const Tensor& hidden)> output;  // their logits
};

/// Runs all parts on the embedded tokens x [T, D], which are overwritten. Returns what batch.output asks for, of the
/// rows batch.output_rows.
Tensor run_decoder(Context& context, const Batch& batch, int n_layers, Tensor x, const DecoderParts& parts);

}  // namespace ondol
