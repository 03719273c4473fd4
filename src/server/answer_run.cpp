#include "server/answer_run.h"

#include <thread>

#include <fmt/format.h>

#include "server/random_id.h"

namespace ondol::server {
namespace {

// Until then an error still gets a status of its own.
constexpr std::chrono::milliseconds kPatience{2000};

class PlainParser final : public AnswerParser {
 public:
  std::vector<AnswerDelta> push(std::string_view text) override {
    if (text.empty()) return {};
    return {{AnswerDelta::Kind::kContent, 0, std::string(text), {}}};
  }
  std::vector<AnswerDelta> finish() override { return {}; }
  bool is_reasoning() const override { return false; }
};

HttpError too_long(size_t n_prompt, int64_t context) {
  HttpError error = make_error(
      400,
      fmt::format("the prompt has {} tokens and the model's context holds {}; shorten it, or start the server with a "
                  "larger context (--ctx)",
                  n_prompt, context),
      "context_length_exceeded");
  error.parameter = "messages";
  return error;
}

HttpError busy(const std::string& message) {
  HttpError error = make_error(503, message, "too_many_requests");
  error.headers = {{"retry-after", "2"}};
  return error;
}

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

class AnswerRun::Sink final : public GenerationSink {
 public:
  Sink(std::shared_ptr<AnswerRun> run, size_t choice) : run_(std::move(run)), choice_(choice) {}

  bool on_prompt(int done, int total) override {
    const std::lock_guard lock(run_->mutex_);
    if (!run_->is_over_) run_->writer_->prompt_progress(static_cast<int>(choice_), done, total);
    return !run_->is_cancelled_;
  }
  bool on_token(const TokenEvent& event) override { return run_->on_token(choice_, event); }
  void on_end(const GenerationEnd& end) override { run_->on_end(choice_, end); }

 private:
  std::shared_ptr<AnswerRun> run_;
  size_t choice_;
};

AnswerRun::AnswerRun(Services& services, PrepareAnswer prepare, std::shared_ptr<AnswerWriter> writer)
    : services_(services), prepare_(std::move(prepare)), writer_(std::move(writer)) {}

std::shared_ptr<AnswerRun> AnswerRun::start(Services& services, const std::string& model, PrepareAnswer prepare,
                                            std::shared_ptr<AnswerWriter> writer, const ResponderPtr& responder) {
  auto run = std::make_shared<AnswerRun>(services, std::move(prepare), std::move(writer));
  const std::weak_ptr<AnswerRun> weak = run;
  if (responder) {
    responder->on_gone([weak] {
      if (const auto alive = weak.lock()) alive->cancel();
    });
  }
  const auto here = std::this_thread::get_id();
  services.models->use(
      model,
      [run, here, &services](ModelPool::Outcome outcome) {
        run->on_model(std::move(outcome));
        if (std::this_thread::get_id() == here) return run->prepare();
        services.workers.post([run] { run->prepare(); });
      },
      [weak] {
        const auto alive = weak.lock();
        return alive && !alive->is_cancelled_;
      });
  const std::lock_guard lock(run->mutex_);
  if (!run->has_model_) {
    services.workers.after(kPatience, [weak] {
      if (const auto alive = weak.lock()) alive->still_waiting();
    });
  }
  return run;
}

void AnswerRun::on_model(ModelPool::Outcome outcome) {
  const std::lock_guard lock(mutex_);
  has_model_ = true;
  model_ = std::move(outcome.model);
  adapter_ = std::move(outcome.adapter);
  if (outcome.error) fail_locked(*outcome.error);
}

void AnswerRun::still_waiting() {
  const std::lock_guard lock(mutex_);
  if (!has_model_ && !is_over_ && !is_cancelled_) writer_->waiting();
}

void AnswerRun::prepare() {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  if (is_cancelled_) return fail_locked(make_error(499, "the request was cancelled", "cancelled"));
  auto error = prepare_(*model_, job_);
  if (!error) error = services_.models->adapters().choose(*model_, adapter_, job_.adapters, adapters_);
  if (!error) error = submit_all();
  if (error) fail_locked(*error);
}

std::optional<HttpError> AnswerRun::submit_all() {
  const int64_t context = model_->engine().context_length();
  if (!model_->info().makes_text) {
    return make_error(400, fmt::format("the model '{}' makes embeddings, not text", model_->id()),
                      "model_makes_no_text");
  }
  for (const auto& prompt : job_.prompts) {
    if (static_cast<int64_t>(prompt.size()) > context) return too_long(prompt.size(), context);
  }
  const size_t n_choices = job_.prompts.size() * static_cast<size_t>(job_.n);
  for (size_t i = 0; i < n_choices; ++i) {
    Choice& choice = choices_.emplace_back(Choice{.id = {}, .parser = nullptr, .stops = StopFilter(job_.stop)});
    choice.parser = job_.parser ? job_.parser() : std::make_unique<PlainParser>();
    if (!job_.echo.empty()) {
      choice.echo = {{AnswerDelta::Kind::kContent, 0, job_.echo[i / static_cast<size_t>(job_.n)], {}}};
    }
    if (job_.prefill.empty()) continue;
    std::vector<AnswerDelta> begun = choice.parser->push(job_.prefill);
    if (job_.echoes_prefill) choice.echo = std::move(begun);
  }
  AnswerStart start;
  start.model = adapter_.empty() ? model_->id() : fmt::format("{}:{}", model_->id(), adapter_);
  start.n_prompt = static_cast<int>(job_.prompts[0].size());
  start.is_reasoning = choices_[0].parser->is_reasoning();
  for (size_t i = 0; i < n_choices; ++i) {
    if (auto error = submit(i)) {
      cancel_locked();
      return error;
    }
  }
  writer_->begin(start);
  for (size_t i = 0; i < n_choices; ++i) {
    for (const AnswerDelta& delta : choices_[i].echo) writer_->delta(static_cast<int>(i), delta);
    if (!choices_[i].echo.empty()) writer_->flush();
  }
  return {};
}

/// A constraint behind what the answer begins with; `fits` is false when that is not allowed.
std::unique_ptr<TokenConstraint> AnswerRun::make_constraint(bool& fits) const {
  fits = true;
  if (!job_.grammar) return nullptr;
  auto constraint = constrain(job_.grammar, model_->vocabulary());
  for (const TokenId token : job_.prefill_tokens) {
    fits = constraint->allows(token);
    if (!fits) return nullptr;
    constraint->accept(token);
  }
  return constraint;
}

std::optional<HttpError> AnswerRun::submit(size_t index) {
  GenerationRequest request;
  request.prompt = job_.prompts[index / static_cast<size_t>(job_.n)];
  request.sampler = job_.sampler;
  request.sampler.seed += index;
  request.max_tokens = job_.max_tokens;
  bool fits = true;
  request.constraint = make_constraint(fits);
  if (!fits) {
    return make_error(400,
                      "the answer that is to be continued does not begin as response_format or tool_choice ask for");
  }
  request.adapters = adapters_;
  request.n_best = job_.n_best;
  request.ignore_end = job_.ignore_end;
  request.show_special = job_.parser != nullptr;
  request.client = job_.client;
  request.reasoning_budget = job_.reasoning_budget;
  request.reasoning_end = job_.reasoning_end;
  const auto self = shared_from_this();
  if (job_.reasoning_budget >= 0) {
    request.is_reasoning = [self, index] { return self->choices_[index].parser->is_reasoning(); };
  }
  const auto id = model_->scheduler().submit(std::move(request), std::make_shared<Sink>(self, index));
  if (!id) {
    return model_->scheduler().is_busy() ? busy(id.error().message()) : make_error(400, id.error().message());
  }
  choices_[index].id = *id;
  return {};
}

void AnswerRun::cancel_locked() {
  is_cancelled_ = true;
  for (const Choice& choice : choices_) {
    if (choice.id) model_->scheduler().cancel(*choice.id);
  }
}

void AnswerRun::cancel() {
  is_cancelled_ = true;
  const std::lock_guard lock(mutex_);
  cancel_locked();
}

void AnswerRun::fail_locked(const HttpError& error) {
  if (is_over_) return;
  is_over_ = true;
  writer_->fail(error);
}

// On the scheduler's thread.

void AnswerRun::tell_content(size_t index, const std::string& text) {
  if (text.empty()) return;
  writer_->delta(static_cast<int>(index), {AnswerDelta::Kind::kContent, 0, text, {}});
}

void AnswerRun::tell(size_t index, std::vector<AnswerDelta> deltas) {
  using Kind = AnswerDelta::Kind;
  Choice& choice = choices_[index];
  for (AnswerDelta& delta : deltas) {
    if (choice.stops.stopped()) return;
    if (delta.kind == Kind::kContent) {
      tell_content(index, choice.stops.push(delta.text));
      continue;
    }
    tell_content(index, choice.stops.finish());
    if (delta.kind == Kind::kCallBegin) {
      choice.has_calls = true;
      if (delta.id.empty()) delta.id = job_.short_call_ids ? random_id("", 9) : random_id("call_");
    }
    writer_->delta(static_cast<int>(index), delta);
  }
}

void AnswerRun::report(size_t index, const TokenEvent& event) {
  const Tokenizer& tokenizer = model_->tokenizer();
  TokenReport report;
  report.text = tokenizer.piece(event.token, true);
  report.logprob = event.logprob;
  for (const TokenChance& chance : event.best) {
    report.best.emplace_back(tokenizer.piece(chance.token, true), chance.logprob);
  }
  writer_->token(static_cast<int>(index), report);
}

bool AnswerRun::on_token(size_t index, const TokenEvent& event) {
  const std::lock_guard lock(mutex_);
  if (is_over_ || is_cancelled_) return false;
  Choice& choice = choices_[index];
  const auto now = Clock::now();
  if (choice.last_token == Clock::time_point()) {
    services_.metrics.first_token(model_->id(), seconds_between(asked_, now));
  } else {
    services_.metrics.later_token(model_->id(), seconds_between(choice.last_token, now));
  }
  choice.last_token = now;
  const bool was_reasoning = choice.parser->is_reasoning();
  tell(index, choice.parser->push(event.text));
  if (was_reasoning || choice.parser->is_reasoning()) {
    ++choice.n_reasoning;
  } else if (job_.n_best >= 0 && event.token != kNoToken) {
    report(index, event);
  }
  writer_->flush();
  return !choice.stops.stopped();
}

FinishReason AnswerRun::reason_of(const Choice& choice, StopReason reason) {
  if (choice.stops.stopped()) return FinishReason::kStopText;
  if (reason == StopReason::kMaxTokens || reason == StopReason::kContextFull) return FinishReason::kLength;
  return choice.has_calls ? FinishReason::kToolCalls : FinishReason::kStop;
}

void AnswerRun::on_end(size_t index, const GenerationEnd& end) {
  const std::lock_guard lock(mutex_);
  Choice& choice = choices_[index];
  choice.has_ended = true;
  choice.id.reset();
  if (is_over_) return;
  if (end.error) {
    cancel_locked();
    return fail_locked(make_error(500, end.error->message()));
  }
  if (end.reason == StopReason::kCancelled && !choice.stops.stopped()) {
    return fail_locked(make_error(503, "the request was cancelled, or the server is shutting down", "cancelled"));
  }
  if (!choice.stops.stopped()) {
    tell(index, choice.parser->push(end.text));
    tell(index, choice.parser->finish());
    tell_content(index, choice.stops.finish());
  }
  writer_->choice_end(static_cast<int>(index), reason_of(choice, end.reason), choice.stops.found());
  if (index % static_cast<size_t>(job_.n) == 0) {
    usage_.n_prompt += end.n_prompt;
    usage_.n_cached += end.n_cached;
  }
  if (index == 0) {
    usage_.queue_seconds = end.queue_seconds;
    usage_.prompt_seconds = end.prompt_seconds;
    usage_.token_seconds = end.token_seconds;
  }
  usage_.n_generated += end.n_generated;
  usage_.n_reasoning += choice.n_reasoning;
  if (++n_ended_ < choices_.size()) return;
  is_over_ = true;
  writer_->end(usage_);
}

}  // namespace ondol::server
