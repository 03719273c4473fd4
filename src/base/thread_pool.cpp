#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/check.h"

namespace ondol {
namespace {

using Body = std::function<void(int64_t, int64_t, int)>;

/// How long a thread looks for news before it sleeps. Operations of one token follow one another within this time; a
/// longer look would take the processor from whoever else needs it.
constexpr std::chrono::microseconds kSpinTime{40};

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

/// Waits until `word` is no longer `old`: spins for kSpinTime, then sleeps.
void wait_for_change(const std::atomic<uint32_t>& word, uint32_t old) {
  const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 16; ++i) {
      if (word.load(std::memory_order_acquire) != old) return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  word.wait(old, std::memory_order_acquire);
}

}  // namespace

/// A worker takes part in a loop by adding itself to `members` while the loop is open. The caller closes the loop when
/// no chunk is left and waits only for the members: a worker that was not scheduled in time is never waited for.
struct ThreadPool::State {
  static constexpr uint32_t kOpen = 1u << 31;

  alignas(64) std::atomic<uint32_t> epoch{0};    // counts loops; workers wait for it to change
  alignas(64) std::atomic<uint32_t> members{0};  // kOpen, and how many workers are inside
  alignas(64) std::atomic<int64_t> next{0};      // first element that nobody has taken
  alignas(64) const Body* body = nullptr;
  int64_t n = 0;
  int64_t grain = 1;
  std::atomic<bool> stopping{false};
  std::vector<std::thread> workers;

  void take_chunks(int thread) {
    while (true) {
      const int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= n) return;
      (*body)(begin, std::min(begin + grain, n), thread);
    }
  }

  bool join() {
    uint32_t seen = members.load(std::memory_order_relaxed);
    while (seen & kOpen) {
      if (members.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed))
        return true;
    }
    return false;
  }

  void leave() {
    // Only the last one out of a closed loop has somebody to wake.
    if (members.fetch_sub(1, std::memory_order_release) == 1) members.notify_one();
  }

  void work(int thread) {
    uint32_t seen = 0;
    while (true) {
      wait_for_change(epoch, seen);
      seen = epoch.load(std::memory_order_acquire);
      if (stopping.load(std::memory_order_relaxed)) return;
      if (!join()) continue;
      take_chunks(thread);
      leave();
    }
  }

  void close_and_wait() {
    uint32_t inside = members.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    while (inside != 0) {
      wait_for_change(members, inside);
      inside = members.load(std::memory_order_acquire);
    }
  }
};

ThreadPool::ThreadPool(int n_threads) : state_(std::make_unique<State>()) {
  if (n_threads <= 0) n_threads = usable_processors();
  for (int thread = 1; thread < n_threads; ++thread) {
    state_->workers.emplace_back([state = state_.get(), thread] { state->work(thread); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stopping.store(true, std::memory_order_relaxed);
  state_->epoch.fetch_add(1, std::memory_order_release);
  state_->epoch.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::size() const {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::run(int64_t n, int64_t grain, const Body& body) {
  ONDOL_CHECK(grain > 0);
  if (n <= 0) return;
  if (state_->workers.empty() || n <= grain) {
    for (int64_t begin = 0; begin < n; begin += grain) body(begin, std::min(begin + grain, n), 0);
    return;
  }
  State& state = *state_;
  ONDOL_CHECK(state.members.load(std::memory_order_relaxed) == 0);
  state.body = &body;
  state.n = n;
  state.grain = grain;
  state.next.store(0, std::memory_order_relaxed);
  state.members.store(State::kOpen, std::memory_order_release);
  state.epoch.fetch_add(1, std::memory_order_release);
  state.epoch.notify_all();
  state.take_chunks(0);
  state.close_and_wait();
}

}  // namespace ondol
