#include "server/served_agent_model.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "server/wait_for_model.h"

namespace ondol::server {
namespace {

constexpr std::chrono::milliseconds kPatience{100};

/// What the scheduler's thread tells, until the end. The text goes on at once, since the next token may depend on it (a
/// budget of thoughts); taking an answer apart is quick.
class AgentSink final : public GenerationSink {
 public:
  AgentSink(const TextSink& text, const std::function<bool()>& goes_on) : text_(text), goes_on_(goes_on) {}

  bool on_prompt(int, int) override { return !goes_on_ || goes_on_(); }
  bool on_token(const TokenEvent& event) override {
    if (event.token != kNoToken) tokens_.push_back(event.token);
    return tell(event.text) && (!goes_on_ || goes_on_());
  }
  void on_end(const GenerationEnd& end) override {
    tell(end.text);
    const std::lock_guard lock(mutex_);
    end_ = end;
    ended_.notify_one();
  }

  /// Whether it has ended, after waiting for a while.
  bool wait() {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, kPatience, [&] { return end_.has_value(); });
  }
  // After the end.
  const GenerationEnd& end() const { return *end_; }
  std::vector<TokenId>& tokens() { return tokens_; }

 private:
  bool tell(const std::string& text) { return text.empty() || text_(text); }

  const TextSink& text_;
  const std::function<bool()>& goes_on_;
  std::vector<TokenId> tokens_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<GenerationEnd> end_;
};

GenerationRequest request_of(std::span<const TokenId> prompt, const GenerateOptions& options,
                             const SamplerOptions& sampling) {
  GenerationRequest request;
  request.prompt.assign(prompt.begin(), prompt.end());
  request.sampler = sampling;
  request.max_tokens = options.max_tokens;
  request.stop = options.stop;
  request.reasoning_budget = options.reasoning_budget;
  request.is_reasoning = options.is_reasoning;
  request.reasoning_end = options.reasoning_end;
  request.ignore_end = options.ignore_end;
  request.show_special = options.show_special;
  return request;
}

}  // namespace

ServedAgentModel::ServedAgentModel(ModelUse model, Terms terms)
    : TemplatedAgentModel({.name = model->id(),
                           .context_length = model->engine().context_length(),
                           .tokenizer = model->engine().shared_tokenizer(),
                           .chat_template = *model->engine().chat_template(),
                           .template_source = model->info().template_source,
                           .vocabulary = model->vocabulary()}),
      model_(std::move(model)),
      terms_(std::move(terms)) {}

Result<std::unique_ptr<ServedAgentModel>> ServedAgentModel::create(ModelUse model, Terms terms) {
  if (!model->info().makes_text || model->engine().chat_template() == nullptr) {
    return Error(fmt::format("{}: expected a model with a chat template, which can follow instructions", model->id()));
  }
  return std::unique_ptr<ServedAgentModel>(new ServedAgentModel(std::move(model), std::move(terms)));
}

Result<Generated> ServedAgentModel::continue_prompt(Continuation wish, const TextSink& sink) {
  GenerationRequest request = request_of(wish.prompt, wish.options, wish.sampling);
  request.constraint = std::move(wish.constraint);
  request.adapters = terms_.adapters;
  request.client = terms_.client;
  const auto told = std::make_shared<AgentSink>(sink, terms_.goes_on);
  const Scheduler::Id id = ONDOL_TRY(model_->scheduler().submit(std::move(request), told));
  // What the scheduler tells refers to this call, which therefore waits for the end, whatever happens.
  for (bool is_cancelled = false; !told->wait();) {
    if (is_cancelled || !terms_.goes_on || terms_.goes_on()) continue;
    model_->scheduler().cancel(id);
    is_cancelled = true;
  }
  const GenerationEnd& end = told->end();
  if (end.error) return *end.error;
  Generated result;
  result.reason = end.reason;
  result.tokens = std::move(told->tokens());
  result.n_prompt = end.n_prompt;
  result.n_reused = end.n_cached;
  result.prompt_seconds = end.prompt_seconds;
  result.token_seconds = end.token_seconds;
  return result;
}

Result<std::shared_ptr<AgentModel>> open_served_agent_model(ModelPool& pool, const std::string& name,
                                                            std::function<bool()> goes_on) {
  ModelPool::Outcome outcome = ONDOL_TRY(wait_for_model(pool, name, goes_on));
  ServedAgentModel::Terms terms{.adapters = {}, .client = "agents", .goes_on = std::move(goes_on)};
  if (auto error = pool.adapters().choose(*outcome.model, outcome.adapter, {}, terms.adapters)) {
    return Error(error->message);
  }
  return std::shared_ptr<AgentModel>(ONDOL_TRY(ServedAgentModel::create(std::move(outcome.model), std::move(terms))));
}

}  // namespace ondol::server
