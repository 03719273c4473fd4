// Anthropic's Messages API: /v1/messages and /v1/messages/count_tokens, as its SDKs and Claude Code use them.
//
// Refuses with 400 what would change an answer unseen: pictures, PDF files, server tools that the request forces.
// Server tools that it merely offers are left out; the answer lists them in "ondol": {"ignored_tools": [...]}.
#pragma once

#include <string>
#include <vector>

#include "server/chat.h"
#include "server/fields.h"
#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> anthropic_routes(Services& services);

/// The body of both routes.
struct AnthropicChat {
  ChatRequest chat;
  bool stream = false;
  std::vector<std::string> ignored_tools;  // that only Anthropic's own servers can run
};
/// `needs_limit`: max_tokens must be there.
AnthropicChat read_anthropic_chat(const Fields& fields, bool needs_limit);

/// {"input_tokens", "output_tokens", ...}; what came from the cache is not counted as input.
json::object anthropic_usage(const AnswerUsage& usage);

/// Models for clients that send "anthropic-version" with GET /v1/models.
json::object anthropic_model(const StoredModel& model);
json::object anthropic_model_list(const std::vector<StoredModel>& models);

}  // namespace ondol::server
