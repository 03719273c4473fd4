// CountingBackend: computes nothing, and counts what a forward pass asks of the machine. What a model reads and
// multiplies follows from its own forward pass, whatever its architecture, and no formula has to be kept beside it.
//
// Outputs are left as they are. Experts are drawn evenly at random, as nothing is known of what a router would choose.
#pragma once

#include <array>
#include <memory>

#include "backend/backend.h"
#include "backend/machine.h"

namespace ondol {

struct Demand {
  double weight_bytes = 0;  // of matrices, whole each time they are multiplied with, and of the rows of embeddings
  double cache_bytes = 0;   // keys and values that attention sees, once for each operation
  /// Of products with weights, two for each multiply-add, by the arithmetic that does them here. Attention's own
  /// products are left out.
  std::array<double, kArithmetics> operations{};

  double bytes() const { return weight_bytes + cache_bytes; }
  double all_operations() const;
  /// That of the most operations.
  Arithmetic main_arithmetic() const;
};

/// Adds to `demand`, which must outlive the backend. Fails as create_cpu_backend does.
Result<std::unique_ptr<Backend>> create_counting_backend(const CpuOptions& options, Demand& demand);

}  // namespace ondol
