#include "server/scheduler_generator.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "server/engine_generator.h"

namespace ondol::server {
namespace {

constexpr std::chrono::milliseconds kPatience{100};

/// Hands what comes from the scheduler's thread to the one that waits, since that one may take its time over it.
class Inbox final : public GenerationSink {
 public:
  bool on_prompt(int, int) override {
    const std::lock_guard lock(mutex_);
    return !is_cancelled_;
  }
  bool on_token(const TokenEvent& event) override {
    const std::lock_guard lock(mutex_);
    news_ += event.text;
    changed_.notify_one();
    return !is_cancelled_;
  }
  void on_end(const GenerationEnd& end) override {
    const std::lock_guard lock(mutex_);
    news_ += end.text;
    end_ = end;
    changed_.notify_one();
  }

  /// What came since; `has_ended` when there is no more. Waits for a while if there is nothing.
  std::string take(bool& has_ended) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return !news_.empty() || end_; });
    has_ended = end_.has_value();
    return std::exchange(news_, {});
  }
  void cancel() {
    const std::lock_guard lock(mutex_);
    is_cancelled_ = true;
  }
  /// After the end.
  const GenerationEnd& end() const { return *end_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string news_;
  std::optional<GenerationEnd> end_;
  bool is_cancelled_ = false;
};

}  // namespace

bool SchedulerGenerator::is_discerning() const {
  return ondol::is_discerning(model_->engine());
}

int64_t SchedulerGenerator::count_tokens(std::string_view text) const {
  return static_cast<int64_t>(model_->tokenizer().encode(text, false, SpecialTokens::kAsPlainText).size());
}

Result<int64_t> SchedulerGenerator::count_prompt(const std::vector<ChatTurn>& turns) const {
  return static_cast<int64_t>(ONDOL_TRY(instruction_tokens(model_->engine(), turns)).size());
}

Result<std::string> SchedulerGenerator::generate(const Wish& wish) {
  GenerationRequest request;
  request.prompt = ONDOL_TRY(instruction_tokens(model_->engine(), wish.turns));
  request.sampler.temperature = 0;
  request.max_tokens = wish.max_tokens;
  if (wish.grammar != nullptr) request.constraint = constrain(wish.grammar, model_->vocabulary());
  request.adapters = terms_.adapters;
  request.client = terms_.client;
  const auto inbox = std::make_shared<Inbox>();
  const Scheduler::Id id = ONDOL_TRY(model_->scheduler().submit(std::move(request), inbox));
  std::string text;
  bool is_stopped = false;  // by the wish
  for (bool has_ended = false; !has_ended;) {
    const std::string piece = inbox->take(has_ended);
    if (!is_stopped) text += piece;
    if (!is_stopped && !piece.empty() && wish.sink) is_stopped = !wish.sink(piece);
    if (is_stopped || !terms_.goes_on()) {
      inbox->cancel();
      model_->scheduler().cancel(id);
    }
  }
  if (inbox->end().error) return *inbox->end().error;
  if (!is_stopped && inbox->end().reason == StopReason::kCancelled) {
    return Error("the request was cancelled, or the server is shutting down");
  }
  return text;
}

}  // namespace ondol::server
