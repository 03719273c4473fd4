// ThreadPool: the workers that share one loop at a time.
//
// Work is handed out in chunks from an atomic counter, so a thread that another program holds up delays only its own
// chunk. Results never depend on who computed a chunk: every chunk writes its own outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace ondol {

class ThreadPool {
 public:
  /// `n_threads` includes the caller. 0 means as many as the process may use (its affinity mask and cgroup quota).
  explicit ThreadPool(int n_threads = 0);
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

/// Processors that this process may use.
int usable_processors();

}  // namespace ondol
