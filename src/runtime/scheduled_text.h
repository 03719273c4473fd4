// ScheduledText: a request that was accepted, and how far it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/scheduler.h"
#include "runtime/session.h"

namespace ondol {

struct ScheduledText {
  using Clock = std::chrono::steady_clock;

  ScheduledText(Engine& engine, GenerationRequest asked, std::shared_ptr<GenerationSink> receiver, Sampler chooser)
      : request(std::move(asked)),
        sink(std::move(receiver)),
        sampler(std::move(chooser)),
        text(engine.tokenizer(), sampler, rules_of(request)),
        timeline(request.prompt),
        session(engine, request.adapters.value_or(engine.adapters())) {}
  ScheduledText(const ScheduledText&) = delete;
  ScheduledText& operator=(const ScheduledText&) = delete;

  static TextRules rules_of(GenerationRequest& request) {
    TextRules rules;
    rules.max_tokens = request.max_tokens;
    rules.stop = std::move(request.stop);
    rules.ignore_end = request.ignore_end;
    rules.show_special = request.show_special;
    rules.constraint = request.constraint.get();
    rules.reasoning_budget = request.reasoning_budget;
    rules.is_reasoning = std::move(request.is_reasoning);
    rules.reasoning_end = std::move(request.reasoning_end);
    return rules;
  }

  const AdapterSet& adapters() const { return session.adapters(); }
  int n_prompt() const { return static_cast<int>(request.prompt.size()); }
  int n_evaluated() const { return session.sequence().length(); }
  /// Tokens of the timeline that still have to be evaluated. The last one's logits give the next token.
  int n_left() const { return static_cast<int>(timeline.size()) - n_evaluated(); }
  bool has_begun() const { return first_logits != Clock::time_point(); }

  uint64_t id = 0;
  GenerationRequest request;
  std::shared_ptr<GenerationSink> sink;
  Sampler sampler;
  TextInProgress text;
  std::vector<TokenId> timeline;  // the prompt and what was generated
  Session session;                // a beginning of the timeline, evaluated; empty while the text is alone
  int n_cached = 0;
  bool was_admitted = false;
  bool is_generating = false;  // has logits since it was last admitted
  Clock::time_point submitted = Clock::now();
  Clock::time_point admitted;
  Clock::time_point first_logits;
};

}  // namespace ondol
