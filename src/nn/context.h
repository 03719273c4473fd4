// Context: what a forward pass needs beside its inputs: the backend that computes and the arena for activations.
//
// One forward serves inference and training: for training, the backend is one that records (tape.h), and a learner
// decides when which part runs.
#pragma once

#include <functional>
#include <vector>

#include "backend/backend.h"
#include "nn/adapter.h"

namespace ondol {

/// A stack of activation memory. Tensors live until the mark that precedes them is released; memory is kept for the
/// next pass. Not zeroed.
class Arena {
 public:
  /// Memory comes in chunks of multiples of this size, of which pages that were never written take no room. Rows differ
  /// in number from pass to pass: a chunk for each tensor would be too small for the next one's.
  explicit Arena(size_t min_chunk_bytes = size_t{64} << 20) : min_chunk_bytes_(min_chunk_bytes) {}

  /// An F32 tensor whose rows are contiguous and 64-byte aligned at the start.
  Tensor f32(Shape shape);
  std::span<int32_t> ids(size_t n);

  struct Mark {
    size_t chunk = 0;
    size_t used = 0;
  };
  Mark mark() const { return top_; }
  void release(Mark mark) { top_ = mark; }

  /// The chunk of memory that holds `address`; empty if it is not the arena's.
  std::span<uint8_t> chunk_of(const void* address) const;

 private:
  uint8_t* allocate(size_t size_bytes);

  size_t min_chunk_bytes_;
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

struct Context;

/// Who takes a forward pass over to learn from it: it runs the blocks and the output in the order that it needs, more
/// than once if it saved memory, and their gradients too.
class Learner {
 public:
  virtual ~Learner() = default;

  /// `block(i)` changes the residual stream x [T, D] in place, as the model's block i does; `output(rows)` gives the
  /// logits of some of x's rows after the last block. What is returned becomes the result of the pass.
  virtual Tensor run(Context& context, int n_blocks, Tensor x, const std::function<void(int)>& block,
                     const std::function<Tensor(const Tensor&)>& output) = 0;
};

struct Context {
  Backend& backend;
  Arena& arena;
  std::vector<AdapterRows> adapters = {};  // of the rows that are being computed
  Learner* learner = nullptr;              // none: the pass is inference
};

}  // namespace ondol
