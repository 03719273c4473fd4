#include "models/decoder_pass.h"

#include "nn/linear.h"

namespace ondol {

Tensor run_decoder(Context& context, const Batch& batch, int n_layers, Tensor x, const DecoderParts& parts) {
  const auto result = [&](const Tensor& rows) {
    const Tensor hidden = parts.norm(rows);
    return batch.output == Batch::Output::kHidden ? hidden : parts.output(hidden);
  };
  if (context.learner != nullptr) {
    const auto block = [&](int layer) {
      parts.mix(layer, x);
      parts.transform(layer, x);
    };
    return context.learner->run(context, n_layers, x, block, result);
  }
  for (int i = 0; i < n_layers; ++i) {
    parts.mix(i, x);
    // The last layer's attention needs all rows; what follows needs only those that are asked for.
    if (i + 1 == n_layers) x = select_rows(context, x, batch.output_rows);
    parts.transform(i, x);
  }
  return result(x);
}

}  // namespace ondol
