// OpenAI's API and what its clients expect around it: chat, completions, embeddings, models, and the routes that
// llama.cpp's server added to them.
#pragma once

#include <vector>

#include "server/chat.h"
#include "server/fields.h"
#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> openai_chat_routes(Services& services);        // /v1/chat/completions, /apply-template
std::vector<Route> openai_completion_routes(Services& services);  // /v1/completions, /infill
std::vector<Route> openai_model_routes(Services& services);       // /v1/models
std::vector<Route> openai_embedding_routes(Services& services);   // /v1/embeddings
std::vector<Route> openai_rerank_routes(Services& services);      // /v1/rerank
std::vector<Route> token_routes(Services& services);              // /tokenize, /detokenize
std::vector<Route> status_routes(Services& services);             // /health, /metrics

/// The body of /v1/chat/completions.
struct OpenAiChat {
  ChatRequest chat;
  bool stream = false;
  bool include_usage = false;
};
OpenAiChat read_openai_chat(const Fields& fields);

/// OpenAI's list of tools and its choice among them, into the request.
void read_openai_tools(const Fields& fields, ChatRequest& request);
/// Messages in OpenAI's form.
json::array read_openai_messages(const Fields& fields);

/// {"prompt_tokens", ...}
json::object openai_usage(const AnswerUsage& usage);
/// Ondol's own extension: tokens and milliseconds.
json::object openai_timings(const AnswerUsage& usage);

/// Runs `handle` on a worker with the body as JSON; a body that is none is answered with 400.
Handler json_handler(Services& services,
                     std::function<void(std::shared_ptr<const Request>, ResponderPtr, const json::object&)> handle,
                     ErrorStyle errors = ErrorStyle::kOpenAi);

/// Likewise, without a body.
Handler worker_handler(Services& services, std::function<void(std::shared_ptr<const Request>, ResponderPtr)> handle);

void send_json(Responder& responder, const json::value& document);

}  // namespace ondol::server
