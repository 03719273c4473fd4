// ObservedBackend: another backend, with an observer that sees every weight's inputs. For importance matrices.
//
// Fused operations are composed here, so that their inner products are seen too; results stay those of the backend's
// own products.
#pragma once

#include <functional>
#include <memory>

#include "backend/backend.h"

namespace ondol {

/// `weight` [H, D] is about to be multiplied with the rows of `x` [T, D]. Weights are told apart by their memory.
using ProductObserver = std::function<void(const Tensor& weight, const Tensor& x)>;

std::unique_ptr<Backend> observe_products(std::unique_ptr<Backend> backend, ProductObserver observer);

}  // namespace ondol
