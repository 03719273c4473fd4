#include "server/agent_streams.h"

#include <algorithm>
#include <chrono>

#include "server/agent_json.h"
#include "server/event_stream.h"

namespace ondol::server {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{150};
constexpr size_t kMostListeners = 256;
/// Transactions end in another order than that of their times.
constexpr int64_t kMarginMs = 3000;
constexpr int64_t kMostChanges = 1000;

}  // namespace

void AgentStreams::start() {
  thread_ = std::thread([this] { run(); });
}

void AgentStreams::tell_to_stop() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_all();
}

void AgentStreams::stop() {
  tell_to_stop();
  if (thread_.joinable()) thread_.join();
}

bool AgentStreams::add_steps(int64_t job, int64_t after, ResponderPtr responder) {
  const std::lock_guard lock(mutex_);
  if (stops_ || n_listeners_ + new_steps_.size() + new_jobs_.size() >= kMostListeners) return false;
  begin_events(*responder);
  new_steps_.push_back({job, after, std::move(responder)});
  changed_.notify_all();
  return true;
}

bool AgentStreams::add_jobs(const std::string& asker, ResponderPtr responder) {
  const std::lock_guard lock(mutex_);
  if (stops_ || n_listeners_ + new_steps_.size() + new_jobs_.size() >= kMostListeners) return false;
  begin_events(*responder);
  new_jobs_.push_back({asker, std::move(responder)});
  changed_.notify_all();
  return true;
}

void AgentStreams::run() {
  std::unique_lock lock(mutex_);
  while (!stops_) {
    const auto has_new = [&] { return stops_ || !new_steps_.empty() || !new_jobs_.empty(); };
    if (n_listeners_ == 0) {
      changed_.wait(lock, has_new);
    } else {
      changed_.wait_for(lock, kBetweenLooks, has_new);
    }
    std::move(new_steps_.begin(), new_steps_.end(), std::back_inserter(steps_));
    std::move(new_jobs_.begin(), new_jobs_.end(), std::back_inserter(jobs_));
    new_steps_.clear();
    new_jobs_.clear();
    lock.unlock();
    // What cannot be reached now is asked again.
    if (!look()) table_.reset();
    drop_gone();
    lock.lock();
    n_listeners_ = steps_.size() + jobs_.size();
  }
  for (const StepListener& listener : steps_) listener.responder->end();
  for (const JobListener& listener : jobs_) listener.responder->end();
  steps_.clear();
  jobs_.clear();
}

Result<void> AgentStreams::look() {
  if (!table_) table_ = ONDOL_TRY(JobTable::open(place_));
  for (StepListener& listener : steps_) ONDOL_TRY(look_at(listener));
  return tell_changes();
}

void AgentStreams::tell_steps(StepListener& listener) {
  if (!listener.tail) return;
  while (true) {
    const auto steps = listener.tail->next();
    if (!steps || steps->empty()) return;
    for (const json::object& step : *steps) {
      const json::object shown = step_as_json(step);
      listener.responder->write(format_event("step", json_text(shown), fmt::format("{}", int_or(shown, "index", 0))));
    }
  }
}

Result<void> AgentStreams::look_at(StepListener& listener) {
  // The job before its steps: all that it did is on the disk when it has ended.
  const auto job = ONDOL_TRY(table_->find(listener.job));
  if (!job) {
    listener.responder->end();
    listener.has_ended = true;
    return {};
  }
  const std::string session = session_of(*job);
  if (!listener.tail && !session.empty()) {
    listener.tail.emplace(sessions_ + "/" + session + "/steps.jsonl", listener.after);
  }
  tell_steps(listener);
  const std::string shown = json_text(job_as_json(*job));
  if (shown != listener.told) listener.responder->write(format_event("state", shown));
  listener.told = shown;
  if (!has_ended(job->state)) return {};
  listener.responder->write(format_event("end", shown));
  listener.responder->end();
  listener.has_ended = true;
  return {};
}

Result<void> AgentStreams::tell_changes() {
  if (jobs_.empty()) {
    seen_ms_ = 0;
    recent_.clear();
    return {};
  }
  const int64_t now = ONDOL_TRY(table_->now_ms());
  // From when somebody began to listen, and a little before, so that nothing is missed since it read the list.
  if (seen_ms_ == 0) seen_ms_ = now - kMarginMs;
  std::vector<JobRecord> changed = ONDOL_TRY(table_->list(kMostChanges, {.changed_since_ms = seen_ms_}));
  std::map<int64_t, std::string> told;
  for (const JobRecord& job : changed) {
    std::string shown = json_text(job_as_json(job));
    const auto before = recent_.find(job.id);
    if (before == recent_.end() || before->second != shown) {
      for (const JobListener& listener : jobs_) {
        if (job.owner.empty() || job.owner == listener.asker) listener.responder->write(format_event("job", shown));
      }
    }
    told[job.id] = std::move(shown);
  }
  recent_ = std::move(told);
  seen_ms_ = std::max(seen_ms_, now - kMarginMs);
  return {};
}

void AgentStreams::drop_gone() {
  std::erase_if(steps_, [](const StepListener& entry) { return entry.has_ended || entry.responder->is_gone(); });
  std::erase_if(jobs_, [](const JobListener& entry) { return entry.responder->is_gone(); });
}

}  // namespace ondol::server
