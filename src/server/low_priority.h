// LowPriorityThread: runs what computes for long, one thing at a time, whenever nobody else wants the processor.
// Threads that are started there inherit this, so that a backend made there computes in the gaps that answers leave.
#pragma once

#include <future>
#include <type_traits>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace ondol::server {

/// Makes the calling thread one that only runs when the processor has nothing else to do (SCHED_IDLE), or as rarely as
/// the system allows.
void lower_own_priority();

class LowPriorityThread {
 public:
  /// Without `lowers`, it has the priority of who made it.
  explicit LowPriorityThread(bool lowers = true) : pool_(1) {
    if (lowers) run(lower_own_priority);
  }
  ~LowPriorityThread() { pool_.join(); }
  LowPriorityThread(const LowPriorityThread&) = delete;
  LowPriorityThread& operator=(const LowPriorityThread&) = delete;

  /// Waits for `job` and returns what it returns. Exceptions come through. Who waits has its own priority, so locks
  /// that answers need should be taken outside.
  template <typename Job>
  std::invoke_result_t<Job> run(Job job) {
    std::packaged_task<std::invoke_result_t<Job>()> task(std::move(job));
    auto future = task.get_future();
    boost::asio::post(pool_, std::move(task));
    return future.get();
  }

 private:
  boost::asio::thread_pool pool_;
};

}  // namespace ondol::server
