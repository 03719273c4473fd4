#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <thread>

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

/// What is left of a loop for the threads of one node.
struct alignas(64) Part {
  std::atomic<int64_t> next{0};  // first element that nobody has taken
  int64_t end = 0;
};

}  // namespace

/// A worker takes part in a loop by adding itself to `members` while the loop is open. The caller closes the loop when
/// no chunk is left and waits only for the members: a worker that was not scheduled in time is never waited for.
struct ThreadPool::State {
  static constexpr uint32_t kOpen = 1u << 31;

  alignas(64) std::atomic<uint32_t> epoch{0};    // counts loops; workers wait for it to change
  alignas(64) std::atomic<uint32_t> members{0};  // kOpen, and how many workers are inside
  std::vector<Part> parts;                       // one for each node
  alignas(64) const Body* body = nullptr;
  int64_t grain = 1;
  std::atomic<bool> stopping{false};
  std::vector<Seat> seats;
  std::vector<double> shares;           // of all speeds, those of this node's threads and of the nodes' before it
  std::vector<int64_t> left_to_others;  // chunks of each part that a thread leaves to faster ones
  std::map<int, int> nodes;             // of processors, where there are several
  std::vector<std::thread> workers;

  explicit State(std::vector<Seat> given);

  /// Cuts a loop into the nodes' parts: whole chunks, in proportion to what their threads do.
  void deal(int64_t n) {
    const int64_t n_chunks = (n + grain - 1) / grain;
    int64_t begin = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i].next.store(begin, std::memory_order_relaxed);
      begin = std::min<int64_t>(n, std::llround(static_cast<double>(n_chunks) * shares[i]) * grain);
      parts[i].end = begin;
    }
  }

  void take_chunks(int thread, int node) {
    for (size_t i = 0; i < parts.size(); ++i) take_from(parts[(static_cast<size_t>(node) + i) % parts.size()], thread);
  }

  void take_from(Part& part, int thread) {
    const int64_t left = left_to_others[static_cast<size_t>(thread)] * grain;
    while (left == 0 || part.end - part.next.load(std::memory_order_relaxed) > left) {
      const int64_t begin = part.next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= part.end) return;
      (*body)(begin, std::min(begin + grain, part.end), thread);
    }
  }

  /// The caller is no worker: it stays wherever the kernel or its owner has put it.
  int node_of_caller() const {
    const auto found = nodes.empty() ? nodes.end() : nodes.find(::sched_getcpu());
    return found == nodes.end() ? 0 : found->second;
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
    take_seat(seats[static_cast<size_t>(thread)]);
    uint32_t seen = 0;
    while (true) {
      wait_for_change(epoch, seen);
      seen = epoch.load(std::memory_order_acquire);
      if (stopping.load(std::memory_order_relaxed)) return;
      if (!join()) continue;
      take_chunks(thread, seats[static_cast<size_t>(thread)].node);
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

/// A thread of speed s takes 1 / s times as long for a chunk as a fast one. It takes another only while so many are
/// left that the fast ones are not done sooner.
ThreadPool::State::State(std::vector<Seat> given) : seats(std::move(given)) {
  double sum = 0;
  int n_nodes = 0;
  for (const Seat& seat : seats) {
    sum += seat.speed;
    n_nodes = std::max(n_nodes, seat.node + 1);
    for (const int processor : seat.processors) nodes[processor] = seat.node;
  }
  if (n_nodes == 1) nodes.clear();
  parts = std::vector<Part>(static_cast<size_t>(n_nodes));
  shares.resize(static_cast<size_t>(n_nodes));
  for (const Seat& seat : seats) {
    for (size_t node = static_cast<size_t>(seat.node); node < shares.size(); ++node) shares[node] += seat.speed / sum;
    double faster = 0;
    for (const Seat& other : seats) faster += other.speed > seat.speed ? other.speed : 0;
    left_to_others.push_back(std::llround(std::ceil(faster / seat.speed / n_nodes)));
  }
  shares.back() = 1;
  left_to_others.front() = 0;  // whoever else leaves a chunk, the caller takes it
}

ThreadPool::ThreadPool(int n_threads)
    : ThreadPool(place_threads(this_topology(), n_threads > 0 ? n_threads : default_threads(), ::sched_getcpu())) {}

ThreadPool::ThreadPool(std::vector<Seat> seats) {
  ONDOL_CHECK(!seats.empty());
  state_ = std::make_unique<State>(std::move(seats));
  for (int thread = 1; thread < static_cast<int>(state_->seats.size()); ++thread) {
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
  state.grain = grain;
  state.deal(n);
  state.members.store(State::kOpen, std::memory_order_release);
  state.epoch.fetch_add(1, std::memory_order_release);
  state.epoch.notify_all();
  state.take_chunks(0, state.node_of_caller());
  state.close_and_wait();
}

}  // namespace ondol
