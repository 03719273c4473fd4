// POST /v1/rerank and /rerank: documents by how well they answer a query, by a cross-encoder, or by the likeness of
// their vectors where the model is another one.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "runtime/cross_encoder.h"
#include "server/adapters.h"
#include "server/embedding_run.h"
#include "server/openai.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxTexts = 8192;
/// Pairs that are scored at once, so that others who ask the model come between.
constexpr size_t kPairsAtOnce = 4;

/// A document: a string, or an object with its text.
std::vector<std::string> read_documents(const Fields& fields) {
  std::vector<std::string> texts;
  const char* key = fields.has("documents") ? "documents" : "texts";
  const json::array* documents = fields.array(key);
  if (!fields.fault() && (documents == nullptr || documents->empty())) {
    fields.fail("documents", "documents: expected an array of texts, got none");
  }
  if (fields.fault()) return texts;
  for (size_t i = 0; i < documents->size(); ++i) {
    const json::value& document = (*documents)[i];
    const json::value* text = document.is_object() ? find_member(document, "text") : &document;
    if (text == nullptr || !text->is_string()) {
      const std::string place = fmt::format("{}[{}]", key, i);
      fields.fail(place, place + ": expected a string, or an object with text");
      return texts;
    }
    texts.emplace_back(text->get_string());
  }
  if (texts.size() > kMaxTexts) fields.fail(key, fmt::format("{}: expected at most {}", key, kMaxTexts));
  return texts;
}

struct RerankWish {
  std::string model;
  std::string query;
  std::vector<std::string> documents;
  size_t n_best = 0;
  bool with_documents = false;
  AdapterChoices adapters;
};
using WishPtr = std::shared_ptr<const RerankWish>;

/// `relevance` has a number for each document.
void send_ranking(const LoadedModel& model, const RerankWish& wish, const std::vector<float>& relevance, int n_tokens,
                  const char* method, Responder& responder) {
  std::vector<std::pair<float, size_t>> scores;  // negated, so that the best is first and equal ones keep their order
  for (size_t i = 0; i < relevance.size(); ++i) scores.emplace_back(-relevance[i], i);
  std::sort(scores.begin(), scores.end());
  scores.resize(std::min(scores.size(), wish.n_best));
  json::array results;
  for (const auto& [score, index] : scores) {
    json::object result = {{"index", index}, {"relevance_score", -score}};
    if (wish.with_documents) result["document"] = {{"text", wish.documents[index]}};
    results.push_back(std::move(result));
  }
  json::object answer = {{"object", "list"}, {"model", model.id()}};
  answer["usage"] = {{"prompt_tokens", n_tokens}, {"total_tokens", n_tokens}};
  answer["results"] = std::move(results);
  answer["ondol"] = {{"method", method}};
  send_json(responder, answer);
}

/// Scores on the model's own thread, a few at a time.
class PairRun : public std::enable_shared_from_this<PairRun> {
 public:
  PairRun(Services& services, WishPtr wish, ResponderPtr responder, ModelUse model)
      : services_(services), wish_(std::move(wish)), responder_(std::move(responder)), model_(std::move(model)) {}

  void post_next() {
    model_->scheduler().post([run = shared_from_this()](Engine& engine) { run->score_some(engine); });
  }

 private:
  void score_some(Engine& engine) {
    if (responder_->is_gone()) return;
    const auto& documents = wish_->documents;
    const size_t begin = relevance_.size(), end = std::min(begin + kPairsAtOnce, documents.size());
    const auto scores = score_texts(engine, wish_->query, std::span(documents).subspan(begin, end - begin));
    if (!scores) return send_error(*responder_, ErrorStyle::kOpenAi, make_error(400, scores.error().message()));
    for (const float score : *scores) relevance_.push_back(1 / (1 + std::exp(-score)));
    for (size_t i = begin; i < end; ++i) {
      const auto pair = token_pair(engine.tokenizer(), wish_->query, documents[i], engine.context_length());
      if (pair) n_tokens_ += static_cast<int>(pair->tokens.size());
    }
    if (end < documents.size()) return post_next();
    services_.workers.post([run = shared_from_this()] {
      send_ranking(*run->model_, *run->wish_, run->relevance_, run->n_tokens_, "cross-encoder", *run->responder_);
    });
  }

  Services& services_;
  const WishPtr wish_;
  const ResponderPtr responder_;
  const ModelUse model_;
  std::vector<float> relevance_;
  int n_tokens_ = 0;
};

void rank_by_vectors(Services& services, const WishPtr& wish, const ResponderPtr& responder) {
  std::vector<std::string> texts = {wish->query};
  texts.insert(texts.end(), wish->documents.begin(), wish->documents.end());
  const auto done = [wish](const LoadedModel& model, Vectors vectors, int n_tokens, Responder& to) {
    std::vector<float> cosines;
    for (size_t i = 1; i < vectors.size(); ++i) {
      float cosine = 0;
      for (size_t k = 0; k < vectors[0].size(); ++k) cosine += vectors[0][k] * vectors[i][k];
      cosines.push_back(cosine);
    }
    send_ranking(model, *wish, cosines, n_tokens, "embedding-cosine", to);
  };
  EmbeddingJob job{wish->model, std::move(texts), "query and documents"};
  job.adapters = wish->adapters;
  embed(services, std::move(job), responder, done);
}

void handle_rerank(Services& services, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  const Fields fields(body, fault);
  RerankWish wish;
  wish.model = fields.text("model").value_or("");
  wish.query = fields.required_text("query");
  wish.documents = read_documents(fields);
  wish.n_best = static_cast<size_t>(fields.integer("top_n", 1, 1 << 30).value_or(1 << 30));
  wish.with_documents = fields.flag("return_documents").value_or(false);
  wish.adapters = read_adapter_choices(fields);
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  const auto kept = std::make_shared<const RerankWish>(std::move(wish));
  services.models->use(kept->model, [&services, kept, responder](ModelPool::Outcome outcome) {
    if (outcome.error) return send_error(*responder, ErrorStyle::kOpenAi, *outcome.error);
    if (!outcome.model->info().scores_pairs) return rank_by_vectors(services, kept, responder);
    std::make_shared<PairRun>(services, kept, responder, std::move(outcome.model))->post_next();
  });
}

}  // namespace

std::vector<Route> openai_rerank_routes(Services& services) {
  std::vector<Route> routes;
  const auto handler = [&services](const std::shared_ptr<const Request>&, const ResponderPtr& responder,
                                   const json::object& body) { handle_rerank(services, responder, body); };
  for (const char* path : {"/v1/rerank", "/rerank"}) {
    routes.push_back({"POST", path, ErrorStyle::kOpenAi, true, json_handler(services, handler)});
  }
  return routes;
}

}  // namespace ondol::server
