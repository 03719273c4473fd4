// Ollama's API: /api/chat, generate, embed, tags, ps, show, pull, delete.
//
// Never cuts a conversation or a text silently, whatever `truncate` and `shift` say: what does not fit the context that
// the model was loaded with is answered with 400, and so is an options.num_ctx above it. Options about loading
// (num_gpu, num_thread, use_mmap, ...) are the server's business and change nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "server/chat.h"
#include "server/fields.h"
#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> ollama_chat_routes(Services& services);       // /api/chat, /api/generate
std::vector<Route> ollama_embedding_routes(Services& services);  // /api/embed, /api/embeddings
std::vector<Route> ollama_model_routes(Services& services);      // /api/tags, ps, show, delete, version
std::vector<Route> ollama_pull_routes(Services& services);       // /api/pull

/// What requests for a model have in common.
struct OllamaUse {
  std::string model;
  std::optional<std::chrono::seconds> keep_alive;
  int64_t context = 0;  // options.num_ctx; 0: any
};
OllamaUse read_ollama_use(const Services& services, const Fields& fields);

/// The model's name from `model`, or `name`, as old clients have it; without the tag "latest" that clients add.
std::string read_ollama_name(const Services& services, const Fields& fields);

/// Applies keep_alive; says so when the model was not loaded for so large a context. On a worker.
std::optional<HttpError> settle_ollama_use(Services& services, const LoadedModel& model, const OllamaUse& use);

/// A number of seconds, or Go's form of durations ("1h30m", "300ms"); negative is forever.
Result<std::chrono::seconds> parse_keep_alive(const json::value& value);

struct OllamaChat {
  OllamaUse use;
  ChatRequest chat;
  bool stream = true;
  bool only_loads = false;  // nothing was asked: the model is loaded, or unloaded
  bool is_raw = false;      // of generate: the prompt goes to the model as it is
  std::string prompt;
  std::string suffix;
};
OllamaChat read_ollama_chat(const Services& services, const Fields& fields);
OllamaChat read_ollama_generate(const Services& services, const Fields& fields);

/// Nanoseconds between two times, as all of Ollama's durations are.
inline int64_t nanoseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

}  // namespace ondol::server
