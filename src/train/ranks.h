// Ranks: the processes that teach one model together, each with its share of every step (data parallelism).
#pragma once

#include <memory>
#include <span>

#include "base/result.h"

namespace ondol::train {

class Ranks {
 public:
  virtual ~Ranks() = default;

  /// From 0 to size() - 1. The first one speaks and writes.
  virtual int rank() const = 0;
  virtual int size() const = 0;
  bool is_first() const { return rank() == 0; }

  // Every rank calls these in the same order, with as many numbers. Then all have the sums over all ranks, bit for bit
  // the same.
  virtual Result<void> add_up(std::span<float> numbers) = 0;
  virtual Result<void> add_up(std::span<double> numbers) = 0;

  /// Whether any of them says so.
  Result<bool> any(bool one);

  /// At the end, when all have come so far. A process that ends without it takes the others with it.
  virtual Result<void> leave() = 0;
};

/// The processes that `mpirun` (Open MPI) started together; nullptr when this one was started alone. The library is
/// loaded only then. Error: it cannot be.
Result<std::unique_ptr<Ranks>> join_ranks();

}  // namespace ondol::train
