// MemoryPlan: before anything is loaded, what fits into the memory that is free now, with how much context.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "models/model.h"

namespace ondol {

/// Memory that this process may still take: the kernel's MemAvailable, or less where a control group limits it.
int64_t available_memory_bytes();

/// Memory that a second model takes, which works on the same text (ModelDrafter).
struct CompanionMemory {
  int64_t fixed_bytes = 0;  // weights and what it works in
  int64_t kv_bytes_per_token = 0;
  int64_t most_tokens = 0;  // its context is as long as the first model's, but no longer than this

  int64_t bytes(int64_t context_length) const {
    return fixed_bytes + kv_bytes_per_token * std::min(context_length, most_tokens);
  }
};

struct MemoryPlan {
  int64_t weights_bytes = 0;  // the file's tensors; mapped, so other programs can push them out again
  int64_t kv_bytes_per_token = 0;
  int64_t working_bytes = 0;  // activations and logits of one batch
  CompanionMemory companion;
  int64_t available_bytes = 0;
  int64_t context_length = 0;  // what the plan gives
  int64_t context_wanted = 0;  // what was asked for, or what the model was trained for
  bool fits = false;

  /// Tokens of context that fit into the free memory; negative when not even the weights do.
  int64_t fitting_context() const;
  /// One or two sentences for a person: what fits, and what to do when it does not.
  std::string explain() const;
};

/// How long a context is wanted.
struct ContextWish {
  int64_t length = 0;  // exactly this; 0 leaves it to the plan: what the model was trained for, at most kDefaultContext
  int64_t at_least = 0;  // without an exact wish: what the caller already knows to be needed
  int64_t at_most = 0;   // without an exact wish: what the caller could use; 0: no limit
};

MemoryPlan plan_memory(const ModelFile& file, const ModelConfig& config, KvTypes kv_types, const ContextWish& wish,
                       int batch_rows, int64_t available_bytes, const CompanionMemory& companion = {});

constexpr int64_t kDefaultContext = 8192;
constexpr int64_t kMinContext = 512;

}  // namespace ondol
