// ThreadPool: the workers that share one loop at a time.
//
// Work is handed out in chunks from atomic counters, so a thread that another program holds up delays only its own
// chunk. Results never depend on who computed a chunk: every chunk writes its own outputs.
//
// Where memory lies on several nodes, each node's threads begin with their own part of a loop, always the same for the
// same loop, so that a row of weights stays near to who reads it; then they help the others. Threads on efficiency
// cores leave the last chunks of a loop to faster ones, which would wait for them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/placement.h"

namespace ondol {

class ThreadPool {
 public:
  /// `n_threads` includes the caller. 0 means default_threads(). They are placed as this machine's topology suggests.
  explicit ThreadPool(int n_threads = 0);
  /// One thread for each seat; the first is the caller's, which stays where it is.
  explicit ThreadPool(std::vector<Seat> seats);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;

  /// Calls body(begin, end, thread) for chunks of at most `grain` that cover [0, n), and returns when all are done.
  /// `thread` is in [0, size()), for scratch memory. Not reentrant: a body must not call run; one caller at a time.
  void run(int64_t n, int64_t grain, const std::function<void(int64_t begin, int64_t end, int thread)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ondol
