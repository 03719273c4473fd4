#include "runtime/scheduler.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "runtime/continuous_batch.h"

namespace ondol {
namespace {

/// Bytes that are read from the store before anybody asks for them.
constexpr uint64_t kMostTakenBack = uint64_t{512} << 20;

class SchedulerThread final : public Scheduler {
 public:
  SchedulerThread(std::unique_ptr<Engine> engine, const SchedulerOptions& options, std::unique_ptr<PrefixStore> store)
      : engine_(std::move(engine)), options_(options), store_(std::move(store)) {
    thread_ = std::thread([this] { run(); });
  }

  ~SchedulerThread() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  Result<Id> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) override;
  bool is_busy() const override;
  void cancel(Id id) override;
  void post(std::function<void(Engine&)> job, int n_pages) override;
  bool drain(double seconds) override;
  SchedulerStats stats() const override;
  const Engine& engine() const override { return *engine_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Job {
    std::function<void(Engine&)> run;
    int n_pages = 0;
  };
  /// What others want of the thread.
  struct Inbox {
    std::vector<std::unique_ptr<ScheduledText>> texts;
    std::vector<Id> cancelled;
    std::vector<Job> jobs;
    bool is_empty() const { return texts.empty() && cancelled.empty() && jobs.empty(); }
  };

  Result<void> check(const GenerationRequest& request) const;
  bool is_busy_locked() const { return stats_.n_waiting >= options_.max_waiting; }
  void run();
  bool take_inbox(ContinuousBatch& batch, Inbox& inbox);
  void handle(ContinuousBatch& batch, Inbox& inbox);
  void run_job(ContinuousBatch& batch);
  void publish(const ContinuousBatch& batch);
  void save_now_and_then(ContinuousBatch& batch);
  void plan_taking_back();

  const std::unique_ptr<Engine> engine_;
  const SchedulerOptions options_;
  const std::unique_ptr<PrefixStore> store_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  Inbox inbox_;
  SchedulerStats stats_;
  Id last_id_ = 0;
  size_t n_alive_ = 0;  // accepted and not ended, as published
  bool draining_ = false;
  bool stopping_ = false;

  // The thread's own.
  size_t n_ended_ = 0;  // since the last publish()
  std::deque<Job> jobs_;
  Clock::time_point saved_at_ = Clock::now();
  std::deque<PrefixText> to_take_back_;  // before anybody asks for them, while there is nothing else to do

  std::thread thread_;  // the last member: it uses the others
};

Result<void> SchedulerThread::check(const GenerationRequest& request) const {
  const ModelConfig& config = engine_->model().config();
  if (config.kv_layers.empty() || !config.causal) {
    return Error(fmt::format("{}: this model makes embeddings, not text", engine_->file().path()));
  }
  if (request.prompt.empty()) return Error("expected a prompt of at least one token, got an empty one");
  const auto n = static_cast<int64_t>(request.prompt.size());
  if (n > engine_->context_length()) {
    return Error(
        fmt::format("the prompt is too long: it has {} tokens and the context holds {}; shorten it, or start "
                    "with a larger context (--ctx)",
                    n, engine_->context_length()));
  }
  const auto check_ids = [&](std::span<const TokenId> tokens) -> Result<void> {
    for (const TokenId id : tokens) {
      if (id >= 0 && id < config.vocabulary_size) continue;
      return Error(fmt::format("expected token ids from 0 to {}, got {}", config.vocabulary_size - 1, id));
    }
    return {};
  };
  ONDOL_TRY(check_ids(request.prompt));
  return check_ids(request.reasoning_end);
}

Result<Scheduler::Id> SchedulerThread::submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) {
  ONDOL_TRY(check(request));
  Sampler sampler = ONDOL_TRY(Sampler::create(request.sampler, engine_->tokenizer()));
  auto text = std::make_unique<ScheduledText>(*engine_, std::move(request), std::move(sink), std::move(sampler));
  const std::lock_guard lock(mutex_);
  if (draining_ || stopping_) return Error("the server is shutting down and accepts nothing more");
  if (is_busy_locked()) {
    return Error(
        fmt::format("too many texts are waiting: {} of {}; try again later", stats_.n_waiting, options_.max_waiting));
  }
  text->id = ++last_id_;
  ++n_alive_;
  ++stats_.n_requests;
  ++stats_.n_waiting;
  inbox_.texts.push_back(std::move(text));
  wake_.notify_all();
  return last_id_;
}

bool SchedulerThread::is_busy() const {
  const std::lock_guard lock(mutex_);
  return is_busy_locked();
}

void SchedulerThread::cancel(Id id) {
  const std::lock_guard lock(mutex_);
  inbox_.cancelled.push_back(id);
  wake_.notify_all();
}

void SchedulerThread::post(std::function<void(Engine&)> job, int n_pages) {
  const std::lock_guard lock(mutex_);
  inbox_.jobs.push_back({std::move(job), n_pages});
  wake_.notify_all();
}

bool SchedulerThread::drain(double seconds) {
  // Longer than a year would overflow the clock.
  const auto time = std::chrono::duration<double>(std::clamp(seconds, 0.0, 3e7));
  std::unique_lock lock(mutex_);
  draining_ = true;
  return ended_.wait_for(lock, time, [&] { return n_alive_ == 0; });
}

SchedulerStats SchedulerThread::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

/// Waits until there is something to do. False at the end.
bool SchedulerThread::take_inbox(ContinuousBatch& batch, Inbox& inbox) {
  std::unique_lock lock(mutex_);
  const auto has_news = [&] { return stopping_ || !inbox_.is_empty(); };
  bool is_saved = store_ == nullptr;
  while (!batch.has_work() && jobs_.empty() && !has_news()) {
    if (!to_take_back_.empty()) {
      lock.unlock();
      batch.take_back(to_take_back_.front());
      to_take_back_.pop_front();
      publish(batch);
      lock.lock();
    } else if (is_saved) {
      wake_.wait(lock, has_news);
    } else if (!wake_.wait_for(lock, options_.save_when_idle, has_news)) {
      lock.unlock();
      is_saved = batch.save(false);
      saved_at_ = Clock::now();
      lock.lock();
    }
  }
  inbox = std::exchange(inbox_, {});
  return !stopping_;
}

void SchedulerThread::handle(ContinuousBatch& batch, Inbox& inbox) {
  for (auto& text : inbox.texts) batch.add(std::move(text));
  for (const Id id : inbox.cancelled) batch.cancel(id);
  for (Job& job : inbox.jobs) jobs_.push_back(std::move(job));
}

/// One, so that many of them do not hold up the texts.
void SchedulerThread::run_job(ContinuousBatch& batch) {
  if (jobs_.empty()) return;
  const bool has_room = batch.make_room_beside(jobs_.front().n_pages);
  batch.set_admitting(has_room);
  if (!has_room) return;
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  job.run(*engine_);
}

void SchedulerThread::publish(const ContinuousBatch& batch) {
  SchedulerStats stats = batch.stats();
  const std::lock_guard lock(mutex_);
  stats.n_requests = stats_.n_requests;
  stats.n_waiting += static_cast<int>(inbox_.texts.size());
  stats_ = stats;
  n_alive_ -= std::exchange(n_ended_, 0);
  ended_.notify_all();
}

/// While there is work: it may never end.
void SchedulerThread::save_now_and_then(ContinuousBatch& batch) {
  if (store_ == nullptr || Clock::now() - saved_at_ < options_.save_when_busy) return;
  batch.save(false);
  saved_at_ = Clock::now();
}

/// A part of the cache, so that what is asked for has room beside it.
void SchedulerThread::plan_taking_back() {
  if (store_ == nullptr) return;
  const KvCache& cache = engine_->cache();
  const uint64_t n_bytes = static_cast<uint64_t>(cache.n_pages()) * cache.page_bytes() / 2;
  std::vector<PrefixText> texts = store_->recent(std::min(n_bytes, kMostTakenBack));
  to_take_back_.assign(std::make_move_iterator(texts.begin()), std::make_move_iterator(texts.end()));
}

void SchedulerThread::run() {
  ContinuousBatch batch(*engine_, options_, store_.get(), [this] { ++n_ended_; });
  plan_taking_back();
  Inbox inbox;
  while (take_inbox(batch, inbox)) {
    handle(batch, inbox);
    run_job(batch);
    batch.step();
    publish(batch);
    save_now_and_then(batch);
  }
  handle(batch, inbox);
  batch.cancel_all();
  take_inbox(batch, inbox);  // what sinks have posted at the end
  handle(batch, inbox);
  while (!jobs_.empty()) run_job(batch);
  batch.save(true);
  publish(batch);
}

}  // namespace

std::unique_ptr<Scheduler> Scheduler::start(std::unique_ptr<Engine> engine, const SchedulerOptions& options,
                                            std::unique_ptr<PrefixStore> store) {
  return std::make_unique<SchedulerThread>(std::move(engine), options, std::move(store));
}

}  // namespace ondol
