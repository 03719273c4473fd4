// Chat: a conversation to be answered, in the one form into which every API family brings its requests, and from which
// a model's own template, grammar and parser follow.
//
// Messages follow the rules of runtime/chat_style.h, which readers keep (chat_messages.h helps).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/recommended_sampling.h"
#include "server/answer_run.h"
#include "text/chat_format.h"

namespace ondol::server {

/// What the content of the answer must be.
struct ContentFormat {
  enum class Kind { kText, kJsonObject, kJsonSchema, kGrammar, kRegex };
  Kind kind = Kind::kText;
  json::value schema;  // kJsonSchema
  bool strict = false;
  std::string source;     // kGrammar: GBNF; kRegex: the pattern
  std::string parameter;  // where the request says so, for errors
};

/// Null for free text. Errors are the grammar's, without the parameter.
Result<GrammarPtr> content_grammar(const ContentFormat& content);

/// How much the model is to think. What is not set is left to the model.
struct ReasoningWish {
  std::optional<bool> is_wanted;
  std::string effort;  // "none", "minimal", "low", "medium", "high", "xhigh"
  int budget = -1;     // tokens
};

struct ChatRequest {
  std::string model;  // "" is the default
  json::array messages;
  std::vector<ToolDefinition> tools;
  ToolChoice tool_choice = ToolChoice::kAuto;
  std::string tool_name;  // of kNamed
  bool parallel_calls = true;
  ContentFormat content;
  ReasoningWish reasoning;
  json::object template_variables;  // for the template as they are
  /// The last message is the beginning of the answer: of its content, or of its reasoning where it has no content yet.
  bool continues_last = false;
  bool opens_answer = true;  // the prompt ends with what the template writes before an answer
  bool echoes = false;       // the answer is told from its beginning, with what it was continued from
  AdapterChoices adapters;
  SamplingWish sampling;
  int max_tokens = -1;
  std::vector<std::string> stop;
  int n = 1;
  int n_best = -1;  // log probabilities: -1 none, 0 of the chosen token, n of the n most likely, too
  bool ignore_end = false;
  std::string client;
};

/// A request for a model, rendered.
struct ChatPrompt {
  std::string text;             // up to where the answer begins
  std::vector<TokenId> tokens;  // of text and prefill
  std::string prefill;          // what the answer begins with already
  std::vector<TokenId> prefill_tokens;
};

/// Renders and tokenises: also for counting tokens. On a worker.
std::optional<HttpError> make_chat_prompt(const LoadedModel& model, const ChatRequest& request, ChatPrompt& prompt);

/// All that a scheduler needs. On a worker.
std::optional<HttpError> prepare_chat(const LoadedModel& model, const ChatRequest& request, AnswerJob& job);

/// Answers a conversation; see AnswerRun::start.
std::shared_ptr<AnswerRun> start_chat(Services& services, ChatRequest request, std::shared_ptr<AnswerWriter> writer,
                                      const ResponderPtr& responder);

}  // namespace ondol::server
