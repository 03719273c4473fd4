// AgentStreams: who listens to jobs: the steps of one, or what becomes of all of them. One thread looks at the table
// and at the sessions, a few times a second and only while somebody listens, so that it does not matter which process
// works.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/jobs/job_table.h"
#include "agent/session_tail.h"
#include "server/http.h"

namespace ondol::server {

class AgentStreams {
 public:
  AgentStreams(std::string table, std::string sessions) : place_(std::move(table)), sessions_(std::move(sessions)) {}
  ~AgentStreams() { stop(); }

  void start();
  void tell_to_stop();
  void stop();

  /// Answers with the steps of a job behind the number `after`, until it has ended. False: too many listen.
  bool add_steps(int64_t job, int64_t after, ResponderPtr responder);
  /// Answers with every job of `asker` that changes.
  bool add_jobs(const std::string& asker, ResponderPtr responder);

 private:
  struct StepListener {
    int64_t job = 0;
    int64_t after = -1;
    ResponderPtr responder;
    std::string session = {};
    std::optional<SessionTail> tail = {};
    std::string told = {};  // the job, as it was last told
    bool has_ended = false;
  };
  struct JobListener {
    std::string asker;
    ResponderPtr responder;
  };

  void run();
  Result<void> look();
  void tell_steps(StepListener& listener);
  Result<void> look_at(StepListener& listener);
  Result<void> tell_changes();
  void drop_gone();

  const std::string place_;
  const std::string sessions_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stops_ = false;
  std::vector<StepListener> new_steps_;
  std::vector<JobListener> new_jobs_;
  size_t n_listeners_ = 0;

  // The thread's own.
  std::optional<JobTable> table_;
  std::vector<StepListener> steps_;
  std::vector<JobListener> jobs_;
  int64_t seen_ms_ = 0;                    // changes before are known to have been told
  std::map<int64_t, std::string> recent_;  // what was told of jobs that changed lately
  std::thread thread_;
};

}  // namespace ondol::server
