// AnswerRun: one request for text on its way through a model: waiting for the model, prepared on a worker, submitted to
// the scheduler, taken apart while it comes, written. Chats, completions and fill-in all are answers; they differ in
// how they are prepared and written.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/answer_writer.h"
#include "server/services.h"

namespace ondol::server {

/// What a model is to do.
struct AnswerJob {
  std::vector<std::vector<TokenId>> prompts;
  int n = 1;  // answers to each prompt; choice c answers prompt c / n
  SamplerOptions sampler;
  int max_tokens = -1;
  std::vector<std::string> stop;  // in the content
  GrammarPtr grammar;             // or null
  /// Takes an answer apart; none: all of it is content.
  std::function<std::unique_ptr<AnswerParser>()> parser;
  /// The end of the prompts that belongs to the answer: grammar and parser begin before it.
  std::string prefill;
  std::vector<TokenId> prefill_tokens;
  bool echoes_prefill = false;    // it is told as part of the answer
  std::vector<std::string> echo;  // of each prompt: text to be told before the answer; or none at all
  int reasoning_budget = -1;
  std::vector<TokenId> reasoning_end;
  AdapterChoices adapters;  // that the request names beside its model's name
  int n_best = -1;          // see GenerationRequest
  bool ignore_end = false;
  bool short_call_ids = false;
  std::string client;
};

/// On a worker: fills in the job for a model, or says what is wrong with the request.
using PrepareAnswer = std::function<std::optional<HttpError>(const LoadedModel& model, AnswerJob& job)>;

class AnswerRun : public std::enable_shared_from_this<AnswerRun> {
 public:
  /// To be called on a worker. `responder`, or null, cancels the run when its client goes. The writer is told of
  /// everything else, including that there is no such model.
  static std::shared_ptr<AnswerRun> start(Services& services, const std::string& model, PrepareAnswer prepare,
                                          std::shared_ptr<AnswerWriter> writer, const ResponderPtr& responder);

  AnswerRun(Services& services, PrepareAnswer prepare, std::shared_ptr<AnswerWriter> writer);

  /// From any thread. The writer's next call, soon, is the last: fail.
  void cancel();

 private:
  using Clock = std::chrono::steady_clock;
  class Sink;

  struct Choice {
    std::optional<Scheduler::Id> id;
    std::unique_ptr<AnswerParser> parser;
    StopFilter stops;
    std::vector<AnswerDelta> echo = {};
    int n_reasoning = 0;
    bool has_calls = false;
    bool has_ended = false;
    Clock::time_point last_token{};
  };

  void on_model(ModelPool::Outcome outcome);
  void still_waiting();
  void prepare();
  std::optional<HttpError> submit_all();
  std::optional<HttpError> submit(size_t choice);
  std::unique_ptr<TokenConstraint> make_constraint(bool& fits) const;
  void cancel_locked();
  void fail_locked(const HttpError& error);

  bool on_token(size_t index, const TokenEvent& event);
  void on_end(size_t index, const GenerationEnd& end);
  void tell(size_t index, std::vector<AnswerDelta> deltas);
  void tell_content(size_t index, const std::string& text);
  void report(size_t index, const TokenEvent& event);
  static FinishReason reason_of(const Choice& choice, StopReason reason);

  Services& services_;
  const PrepareAnswer prepare_;
  const std::shared_ptr<AnswerWriter> writer_;
  const Clock::time_point asked_ = Clock::now();
  std::atomic<bool> is_cancelled_{false};

  std::mutex mutex_;  // of all that follows, and of calls to the writer
  ModelUse model_;
  std::string adapter_;  // that the model's name names
  AnswerJob job_;
  AdapterSet adapters_;
  std::vector<Choice> choices_;
  AnswerUsage usage_;
  size_t n_ended_ = 0;
  bool has_model_ = false;
  bool is_over_ = false;  // the writer has had its last call
};

}  // namespace ondol::server
