// POST /v1/embeddings and /v1/rerank.
#include <cstring>

#include <fmt/format.h>

#include "server/adapters.h"
#include "base/base64.h"
#include "server/embedding_run.h"
#include "server/openai.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxTexts = 8192;

/// Little-endian float32, as every client reads them.
std::string base64_of(const std::vector<float>& vector) {
  std::string bytes;
  for (const float x : vector) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 255);
  }
  return base64(bytes);
}

std::vector<std::string> read_input(const Fields& fields) {
  const json::value* input = fields.find("input");
  std::vector<std::string> texts;
  const auto is_number = [](const json::value& value) {
    return value.is_number() || (value.is_array() && !value.get_array().empty() && value.get_array()[0].is_number());
  };
  if (input != nullptr && input->is_array() && !input->get_array().empty() && is_number(input->get_array()[0])) {
    // LangChain sends ids of OpenAI's own vocabulary; as ids of this model they would be some other text.
    fields.fail("input",
                "input: expected texts, got token ids, which mean something else in this model's vocabulary; with "
                "LangChain's OpenAIEmbeddings, set check_embedding_ctx_length=False",
                "token_ids_not_supported");
    return texts;
  }
  if (input == nullptr) fields.fail("input", "input: expected a string or an array of strings, got nothing");
  texts = fields.texts("input");
  if (!fields.fault() && texts.empty()) fields.fail("input", "input: expected at least one text, got none");
  if (texts.size() > kMaxTexts) fields.fail("input", fmt::format("input: expected at most {} texts", kMaxTexts));
  return texts;
}

void handle_embeddings(Services& services, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  const Fields fields(body, fault);
  const std::string name = fields.text("model").value_or("");
  std::vector<std::string> texts = read_input(fields);
  const std::string encoding = fields.text("encoding_format").value_or("float");
  if (encoding != "float" && encoding != "base64") {
    fields.fail("encoding_format", fmt::format("encoding_format: expected float or base64, got '{}'", encoding));
  }
  const auto dimensions = fields.integer("dimensions", 1, 1 << 20);
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  const auto done = [encoding, dimensions](const LoadedModel& model, Vectors vectors, int n_tokens, Responder& to) {
    if (dimensions) {
      if (const auto error = shorten(vectors, static_cast<size_t>(*dimensions))) {
        return send_error(to, ErrorStyle::kOpenAi, *error);
      }
    }
    json::array data;
    for (size_t i = 0; i < vectors.size(); ++i) {
      const std::vector<float>& vector = vectors[i];
      json::object entry = {{"object", "embedding"}, {"index", i}};
      entry["embedding"] = encoding == "base64" ? json::value(base64_of(vector)) : json::value_from(vector);
      data.push_back(std::move(entry));
    }
    json::object answer = {{"object", "list"}, {"data", std::move(data)}, {"model", model.id()}};
    answer["usage"] = {{"prompt_tokens", n_tokens}, {"total_tokens", n_tokens}};
    send_json(to, answer);
  };
  EmbeddingJob job{name, std::move(texts), "input"};
  job.adapters = read_adapter_choices(fields);
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  embed(services, std::move(job), responder, done);
}

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

void send_ranking(const LoadedModel& model, const std::vector<std::string>& documents, const Vectors& vectors,
                  int n_tokens, size_t n_best, bool with_documents, Responder& responder) {
  std::vector<std::pair<float, size_t>> scores;  // negated, so that the best is first and equal ones keep their order
  for (size_t i = 0; i + 1 < vectors.size(); ++i) {
    float cosine = 0;
    for (size_t k = 0; k < vectors[0].size(); ++k) cosine += vectors[0][k] * vectors[i + 1][k];
    scores.emplace_back(-cosine, i);
  }
  std::sort(scores.begin(), scores.end());
  scores.resize(std::min(scores.size(), n_best));
  json::array results;
  for (const auto& [score, index] : scores) {
    json::object result = {{"index", index}, {"relevance_score", -score}};
    if (with_documents) result["document"] = {{"text", documents[index]}};
    results.push_back(std::move(result));
  }
  json::object answer = {{"object", "list"}, {"model", model.id()}};
  answer["usage"] = {{"prompt_tokens", n_tokens}, {"total_tokens", n_tokens}};
  answer["results"] = std::move(results);
  answer["ondol"] = {{"method", "embedding-cosine"}};
  send_json(responder, answer);
}

void handle_rerank(Services& services, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  const Fields fields(body, fault);
  const std::string name = fields.text("model").value_or("");
  const std::string query = fields.required_text("query");
  std::vector<std::string> documents = read_documents(fields);
  const auto n_best = static_cast<size_t>(fields.integer("top_n", 1, 1 << 30).value_or(1 << 30));
  const bool with_documents = fields.flag("return_documents").value_or(false);
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  std::vector<std::string> texts = {query};
  texts.insert(texts.end(), documents.begin(), documents.end());
  const auto done = [documents = std::move(documents), n_best, with_documents](
                        const LoadedModel& model, Vectors vectors, int n_tokens, Responder& to) {
    send_ranking(model, documents, vectors, n_tokens, n_best, with_documents, to);
  };
  EmbeddingJob job{name, std::move(texts), "query and documents"};
  job.adapters = read_adapter_choices(fields);
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  embed(services, std::move(job), responder, done);
}

}  // namespace

std::vector<Route> openai_embedding_routes(Services& services) {
  std::vector<Route> routes;
  const auto post = [&](const char* path, auto handle) {
    const auto handler = [&services, handle](const std::shared_ptr<const Request>&, const ResponderPtr& responder,
                                             const json::object& body) { handle(services, responder, body); };
    routes.push_back({"POST", path, ErrorStyle::kOpenAi, true, json_handler(services, handler)});
  };
  post("/v1/embeddings", handle_embeddings);
  post("/v1/rerank", handle_rerank);
  post("/rerank", handle_rerank);
  return routes;
}

}  // namespace ondol::server
