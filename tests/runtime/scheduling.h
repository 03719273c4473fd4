// Requests to a scheduler and what came of them, for tests.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/scheduler.h"
#include "tests/runtime/generation.h"

namespace ondol {

/// Collects one text.
class Collector final : public GenerationSink {
 public:
  /// Called on the scheduler's thread; false cancels.
  std::function<bool(int done)> at_prompt;
  std::function<bool(size_t n_tokens)> at_token;
  std::function<void()> at_end;

  bool on_prompt(int done, int total) override {
    const std::lock_guard lock(mutex_);
    prompt_done.push_back(done);
    prompt_total = total;
    return !at_prompt || at_prompt(done);
  }
  bool on_token(const TokenEvent& event) override {
    const std::lock_guard lock(mutex_);
    tokens.push_back(event.token);
    events.push_back(event);
    text += event.text;
    return !at_token || at_token(tokens.size());
  }
  void on_end(const GenerationEnd& got) override {
    if (at_end) at_end();
    const std::lock_guard lock(mutex_);
    end = got;
    text += got.text;
    ++n_ends;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_ends > 0; });
  }

  std::vector<int> prompt_done;
  int prompt_total = 0;
  std::vector<TokenId> tokens;
  std::vector<TokenEvent> events;
  std::string text;
  GenerationEnd end;
  int n_ends = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

inline GenerationRequest request_of(std::vector<TokenId> prompt, int max_tokens) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.sampler.temperature = 0;
  request.max_tokens = max_tokens;
  request.ignore_end = true;
  return request;
}

/// A prompt without repetitions, different for every seed.
inline std::vector<TokenId> random_prompt(uint64_t seed, size_t n, int vocabulary_size) {
  Random random(seed);
  std::vector<TokenId> tokens;
  for (size_t i = 0; i < n; ++i) {
    tokens.push_back(static_cast<TokenId>(random.next() % static_cast<uint64_t>(vocabulary_size)));
  }
  return tokens;
}

/// What generate() makes of it alone.
inline std::vector<TokenId> alone(Engine& engine, const GenerationRequest& request, StopReason* reason = nullptr) {
  Sampler sampler = Sampler::create(request.sampler, engine.tokenizer()).value();
  Session session(engine, request.adapters.value_or(engine.adapters()));
  Speculation speculation(session, 0);
  GenerateOptions options;
  options.max_tokens = request.max_tokens;
  options.stop = request.stop;
  options.ignore_end = request.ignore_end;
  const auto result = generate(speculation, engine, sampler, request.prompt, options, [](auto) { return true; });
  if (!result) throw std::runtime_error(result.error().message());
  if (reason != nullptr) *reason = result->reason;
  return result->tokens;
}

/// Holds the scheduler's thread between two passes until it is destroyed, so that a test can set a scene.
class Hold {
 public:
  explicit Hold(Scheduler& scheduler) {
    auto state = state_;
    scheduler.post([state](Engine&) {
      std::unique_lock lock(state->mutex);
      state->is_held = true;
      state->changed.notify_all();
      state->changed.wait(lock, [&] { return state->is_over; });
    });
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->is_held; });
  }
  ~Hold() {
    const std::lock_guard lock(state_->mutex);
    state_->is_over = true;
    state_->changed.notify_all();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_held = false;
    bool is_over = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace ondol
