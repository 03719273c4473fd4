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

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "runtime/prefix_store.h"
#include "runtime/sampler.h"
#include "runtime/speculation.h"
#include "runtime/text_in_progress.h"
#include "runtime/token_chances.h"
#include "text/token_constraint.h"

namespace ondol {

/// A token that was chosen, with the text that is complete now and its chances where they were asked for.
struct TokenEvent {
  TokenId token = kNoToken;
  std::string text;               // may be empty; what may become a stop text is held back
  float logprob = 0;              // 0 where it was not asked for, and for tokens that were forced
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
  /// After so many tokens of reasoning, reasoning_end is appended by force (TextRules). -1: no limit.
  int reasoning_budget = -1;
  std::function<bool()> is_reasoning;  // asked before each token, after on_token() of the one before
  std::vector<TokenId> reasoning_end;
  std::optional<AdapterSet> adapters;  // nothing: the engine's own
  int n_best = -1;                     // chances per token: -1 none, 0 the chosen one's, n the n most likely too
  bool ignore_end = false;
  bool show_special = false;
  std::string client;  // requests of a client take turns with those of others
};

struct SchedulerOptions {
  int max_running = 16;  // texts at once
  int max_waiting = 1024;
  int prefill_rows = 512;          // of a pass, while nothing is being generated; less otherwise (pass_planner.h)
  int speculate = kSpeculateAuto;  // for a text that is alone
  /// What the prefix cache remembers goes to the store after so long without work, and this often while there is work,
  /// so that a program that is killed has lost little.
  std::chrono::milliseconds save_when_idle{10'000};
  std::chrono::milliseconds save_when_busy{30'000};
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
  uint64_t n_rows = 0;     // of all passes, without guesses
  uint64_t n_drafted = 0;  // guesses for a text that was alone
  uint64_t n_prompt_tokens = 0;
  uint64_t n_cached_tokens = 0;
  uint64_t n_generated_tokens = 0;
};

class Scheduler {
 public:
  using Id = uint64_t;

  /// Takes the engine over. `store`, or null, keeps what the prefix cache gives up, and all of it at the end.
  static std::unique_ptr<Scheduler> start(std::unique_ptr<Engine> engine, const SchedulerOptions& options,
                                          std::unique_ptr<PrefixStore> store = nullptr);
  /// Cancels what is left, and calls its sinks. Not from a sink or a job.
  virtual ~Scheduler() = default;

  /// Fails, without ever calling the sink, when the prompt is empty, has ids outside the vocabulary or does not fit
  /// into the context (naming both lengths), when a sampler option is wrong, or when too many are waiting (is_busy).
  virtual Result<Id> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) = 0;
  virtual bool is_busy() const = 0;

  /// Ends it soon, with kCancelled. Ids that have ended are ignored.
  virtual void cancel(Id id) = 0;

  /// Runs `job` on the scheduler's thread between two passes, one job each time: embeddings, saving of caches. Pages
  /// that only the prefix cache holds are given up to its sequences as they grow. A job that needs more pages than are
  /// left waits, first come first served, until texts that run have ended; new ones wait for it. What was posted is run
  /// even at the end, and where it never fits.
  virtual void post(std::function<void(Engine&)> job, int n_pages = 0) = 0;

  /// Accepts nothing more; returns when all that was accepted has ended (true), or after the time. Not from a sink or
  /// a job.
  virtual bool drain(double seconds) = 0;

  virtual SchedulerStats stats() const = 0;
  /// What does not change: tokenizer, template, model, plan. Never its forward().
  virtual const Engine& engine() const = 0;
};

}  // namespace ondol
