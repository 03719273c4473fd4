// POST /api/embed and its predecessor, /api/embeddings.
#include "server/embedding_run.h"
#include "server/ollama.h"
#include "server/openai.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOllama;
constexpr size_t kMaxTexts = 8192;
using Clock = std::chrono::steady_clock;

struct EmbedRequest {
  OllamaUse use;
  std::vector<std::string> texts;
  size_t dimensions = 0;  // 0: the model's
  bool is_old = false;
};

json::object answer_of(const EmbedRequest& request, const std::string& model, const Vectors& vectors) {
  if (request.is_old) {
    return {{"embedding", vectors.empty() ? json::value(json::array()) : json::value_from(vectors.front())}};
  }
  return {{"model", model}, {"embeddings", json::value_from(vectors)}};
}

void run(Services& services, EmbedRequest request, const ResponderPtr& responder) {
  // Ollama answers nothing with nothing.
  if (request.texts.empty()) return send_json(*responder, answer_of(request, request.use.model, {}));
  const auto asked = Clock::now();
  const auto loaded = std::make_shared<Clock::time_point>(asked);
  EmbeddingJob job{request.use.model, std::move(request.texts), request.is_old ? "prompt" : "input", kStyle};
  job.check = [&services, use = request.use, loaded](const LoadedModel& model) {
    *loaded = Clock::now();
    return settle_ollama_use(services, model, use);
  };
  const auto done = [request, asked, loaded](const LoadedModel& model, Vectors vectors, int n_tokens, Responder& to) {
    if (request.dimensions > 0) {
      if (const auto error = shorten(vectors, request.dimensions)) return send_error(to, kStyle, *error);
    }
    json::object answer = answer_of(request, model.id(), vectors);
    if (!request.is_old) {
      answer["total_duration"] = nanoseconds(Clock::now() - asked);
      answer["load_duration"] = nanoseconds(*loaded - asked);
      answer["prompt_eval_count"] = n_tokens;
    }
    send_json(to, answer);
  };
  embed(services, std::move(job), responder, done);
}

void handle(Services& services, const ResponderPtr& responder, const json::object& body, bool is_old) {
  RequestFault fault;
  const Fields fields(body, fault);
  EmbedRequest request;
  request.is_old = is_old;
  request.use = read_ollama_use(services, fields);
  request.texts = fields.texts(is_old ? "prompt" : "input");
  if (is_old) std::erase(request.texts, "");
  if (request.texts.size() > kMaxTexts) fields.fail("input", "input: expected at most 8192 texts");
  (void)fields.flag("truncate");
  request.dimensions = static_cast<size_t>(fields.integer("dimensions", 0, 1 << 20).value_or(0));
  if (fault) return send_error(*responder, kStyle, fault.error());
  run(services, std::move(request), responder);
}

}  // namespace

std::vector<Route> ollama_embedding_routes(Services& services) {
  std::vector<Route> routes;
  const auto post = [&](const char* path, bool is_old) {
    const auto handler = [&services, is_old](const std::shared_ptr<const Request>&, const ResponderPtr& responder,
                                             const json::object& body) { handle(services, responder, body, is_old); };
    routes.push_back({"POST", path, kStyle, true, json_handler(services, handler, kStyle)});
  };
  post("/api/embed", false);
  post("/api/embeddings", true);
  return routes;
}

}  // namespace ondol::server
