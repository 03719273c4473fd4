// Context: what a forward pass needs beside its inputs: the backend that computes and the arena for activations.
//
// A tape will be added here: without one, forward is inference; with one, every operation records its backward.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "nn/adapter.h"

namespace ondol {

/// A stack of activation memory. Tensors live until the mark that precedes them is released; memory is kept for the
/// next pass. Not zeroed.
class Arena {
 public:
  /// An F32 tensor whose rows are contiguous and 64-byte aligned at the start.
  Tensor f32(Shape shape);
  std::span<int32_t> ids(size_t n);

  struct Mark {
    size_t chunk = 0;
    size_t used = 0;
  };
  Mark mark() const { return top_; }
  void release(Mark mark) { top_ = mark; }

 private:
  uint8_t* allocate(size_t size_bytes);

  std::vector<Buffer> chunks_;
  Mark top_;
};

/// Releases, at the end of a scope, what was allocated in it.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ~ArenaScope() { arena_.release(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

struct Context {
  Backend& backend;
  Arena& arena;
  std::vector<AdapterRows> adapters = {};  // of the rows that are being computed
};

}  // namespace ondol
