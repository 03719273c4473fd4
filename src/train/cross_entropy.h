// Cross-entropy: how badly logits predict the tokens that came.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/tensor.h"

namespace ondol::train {

/// Returns the sum over rows of -log softmax(logits[t])[targets[t]], in nats. dlogits [T, V] becomes its gradient times
/// `weight`.
double cross_entropy(const Tensor& logits, std::span<const int32_t> targets, float weight, Tensor dlogits);

}  // namespace ondol::train
