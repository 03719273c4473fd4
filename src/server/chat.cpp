#include "server/chat.h"

#include <fmt/format.h>

namespace ondol::server {
namespace {

// What effort means for models that only know reasoning as a whole, in tokens.
constexpr int kLowBudget = 1024;
constexpr int kMediumBudget = 8192;

HttpError at_parameter(const Error& error, std::string parameter) {
  HttpError wrong = make_error(400, error.message());
  wrong.parameter = std::move(parameter);
  return wrong;
}

int budget_of(const ReasoningWish& wish, const TemplateTraits& traits) {
  if (wish.budget >= 0) return wish.budget;
  if (wish.is_wanted == false || wish.effort == "none") return 0;
  if (traits.knows_effort) return -1;
  if (wish.effort == "minimal" || wish.effort == "low") return kLowBudget;
  return wish.effort == "medium" ? kMediumBudget : -1;
}

}  // namespace

Result<GrammarPtr> content_grammar(const ContentFormat& content) {
  // A small model does not find its way out of free space and endless digits.
  const JsonSchemaOptions options = {.compact = true, .strict = content.strict, .plain_numbers = true};
  switch (content.kind) {
    case ContentFormat::Kind::kText:
      return GrammarPtr();
    case ContentFormat::Kind::kJsonObject:
      return grammar_from_json_schema(json::object{{"type", "object"}}, options);
    case ContentFormat::Kind::kJsonSchema:
      return grammar_from_json_schema(content.schema, options);
    case ContentFormat::Kind::kGrammar:
      return grammar_from_gbnf(content.source);
    case ContentFormat::Kind::kRegex:
      return grammar_from_regex(content.source);
  }
  return GrammarPtr();
}

std::optional<HttpError> prepare_chat(const LoadedModel& model, const ChatRequest& request, AnswerJob& job) {
  ChatPrompt prompt;
  if (auto error = make_chat_prompt(model, request, prompt)) return error;

  AnswerDemand demand;
  demand.tools = request.tools;
  demand.tool_choice = request.tool_choice;
  demand.tool_name = request.tool_name;
  demand.parallel_calls = request.parallel_calls;
  auto content = content_grammar(request.content);
  if (!content) return at_parameter(content.error(), request.content.parameter);
  demand.content = *content;
  // Who must call shall not talk first: a small model might not come to an end. Where calls are demanded, a content
  // that is bound means that there is none.
  const bool must_call = demand.tool_choice == ToolChoice::kRequired || demand.tool_choice == ToolChoice::kNamed;
  if (must_call && demand.content == nullptr) demand.content = grammar_of_json_objects();
  const int budget = budget_of(request.reasoning, model.traits());
  // A model that was not taught to reason would ramble where a grammar lets it.
  demand.may_reason = model.format().has_reasoning() && budget != 0;
  auto grammar = model.format().grammar(demand, prompt.text);
  if (!grammar) return at_parameter(grammar.error(), "tools");

  job.grammar = *grammar;
  job.parser = [&format = model.format(), demand, text = prompt.text] { return format.parser(demand, text); };
  job.prompts = {std::move(prompt.tokens)};
  job.prefill = std::move(prompt.prefill);
  job.echoes_prefill = request.echoes;
  job.prefill_tokens = std::move(prompt.prefill_tokens);
  job.n = request.n;
  job.adapters = request.adapters;
  job.sampler = request.sampling.over(recommended_sampling(model.engine().file()));
  job.max_tokens = request.max_tokens;
  job.stop = request.stop;
  job.n_best = request.n_best;
  job.ignore_end = request.ignore_end;
  job.client = request.client;
  job.short_call_ids = model.traits().wants_short_ids;
  job.reasoning_budget = budget;
  if (job.reasoning_budget >= 0) {
    job.reasoning_end = model.tokenizer().encode(model.format().reasoning_end(), false, SpecialTokens::kParse);
    if (job.reasoning_end.empty()) job.reasoning_budget = -1;
  }
  return {};
}

std::shared_ptr<AnswerRun> start_chat(Services& services, ChatRequest request, std::shared_ptr<AnswerWriter> writer,
                                      const ResponderPtr& responder) {
  const std::string model = request.model;
  auto prepare = [request = std::move(request)](const LoadedModel& loaded, AnswerJob& job) {
    return prepare_chat(loaded, request, job);
  };
  return AnswerRun::start(services, model, std::move(prepare), std::move(writer), responder);
}

}  // namespace ondol::server
