// Scheduler: many texts generated at once by one engine.
//
// A thread of its own runs forward passes over whatever is waiting: one row of every text that is being generated
// (continuous batching), and a part of the prompts that are being read (chunked prefill), shared fairly between
// clients, so that neither a long prompt nor a busy client holds up the others. Prompts that begin like an earlier one
// start where that one's keys and values end (prefix_cache.h). Nothing that was accepted is lost: when the cache is
// full, the youngest text waits and is continued later from its own tokens, with the same result.
//
// What a text becomes does not depend on what else is running, as far as products of different sizes round alike.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "runtime/generate.h"
#include "runtime/sampler.h"
#include "text/token_constraint.h"

namespace ondol {

struct TokenChance {
  TokenId token = kNoToken;
  float logprob = 0;
};

/// A token that was chosen, with the text that is complete now and its chances where they were asked for.
struct TokenEvent {
  TokenId token = kNoToken;
  std::string text;  // may be empty; what may become a stop text is held back
  float logprob = 0;
  std::vector<TokenChance> best;  // most likely first, of the model's own distribution
};

struct GenerationEnd {
  StopReason reason = StopReason::kEnd;
  std::string text;       // that was held back until now
  std::string stop_text;  // the one that was found, with kStopText
  int n_prompt = 0;
  int n_cached = 0;  // prompt tokens that needed no evaluation
  int n_generated = 0;
  double queue_seconds = 0;
  double prompt_seconds = 0;
  double token_seconds = 0;
  std::optional<Error> error;  // nothing else holds then
};

/// Receives one text. Called by the scheduler's thread, which must not be held up.
class GenerationSink {
 public:
  virtual ~GenerationSink() = default;
  /// The prompt's evaluation goes on; false cancels.
  virtual bool on_prompt(int /*done*/, int /*total*/) { return true; }
  /// False cancels.
  virtual bool on_token(const TokenEvent& event) = 0;
  /// The last call, exactly once for every accepted request, whatever happens.
  virtual void on_end(const GenerationEnd& end) = 0;
};

struct GenerationRequest {
  std::vector<TokenId> prompt;
  SamplerOptions sampler;
  int max_tokens = -1;  // -1: until the model ends or the context is full
  std::vector<std::string> stop;
  std::unique_ptr<TokenConstraint> constraint;  // or null
  /// Tokens appended by force when the constraint and the model have not ended reasoning after so many tokens.
  int reasoning_budget = -1;
  std::function<bool()> is_reasoning;  // asked after each token where there is a budget
  std::vector<TokenId> reasoning_end;
  int n_best = -1;  // chances per token: -1 none, 0 the chosen one's, n the n most likely too
  bool ignore_end = false;
  bool show_special = false;
  std::string client;  // requests of a client take turns with those of others
};

struct SchedulerOptions {
  int max_running = 16;  // texts at once
  int max_waiting = 1024;
  int prefill_rows = 512;  // of a pass, while nothing is being generated; less otherwise
};

/// Counters and gauges since the scheduler began, for metrics.
struct SchedulerStats {
  int n_running = 0;
  int n_waiting = 0;
  int n_pages = 0;
  int n_pages_used = 0;    // by running texts
  int n_pages_cached = 0;  // by the prefix cache alone
  uint64_t n_requests = 0;
  uint64_t n_cancelled = 0;
  uint64_t n_preempted = 0;
  uint64_t n_passes = 0;
  uint64_t n_rows = 0;
  uint64_t n_prompt_tokens = 0;
  uint64_t n_cached_tokens = 0;
  uint64_t n_generated_tokens = 0;
};

class Scheduler {
 public:
  using Id = uint64_t;

  /// Takes the engine over.
  static std::unique_ptr<Scheduler> start(std::unique_ptr<Engine> engine, const SchedulerOptions& options);
  virtual ~Scheduler() = default;  // cancels what is left

  /// Fails, without ever calling the sink, when the prompt is empty, has ids outside the vocabulary or does not fit
  /// into the context (naming both lengths), when a sampler option is wrong, or when too many are waiting (is_busy).
  virtual Result<Id> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) = 0;
  virtual bool is_busy() const = 0;

  /// Ends it soon, with kCancelled. Ids that have ended are ignored.
  virtual void cancel(Id id) = 0;

  /// Runs `job` on the scheduler's thread between two passes: embeddings, saving of caches.
  virtual void post(std::function<void(Engine&)> job) = 0;

  /// Accepts nothing more; returns when all that was accepted has ended, or after the time.
  virtual bool drain(double seconds) = 0;

  virtual SchedulerStats stats() const = 0;
  /// What does not change: tokenizer, template, model, plan. Never its forward().
  virtual const Engine& engine() const = 0;
};

}  // namespace ondol
