// POST /v1/embeddings.
#include <cstring>

#include <fmt/format.h>

#include "base/base64.h"
#include "server/adapters.h"
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

}  // namespace

std::vector<Route> openai_embedding_routes(Services& services) {
  std::vector<Route> routes;
  const auto post = [&](const char* path, auto handle) {
    const auto handler = [&services, handle](const std::shared_ptr<const Request>&, const ResponderPtr& responder,
                                             const json::object& body) { handle(services, responder, body); };
    routes.push_back({"POST", path, ErrorStyle::kOpenAi, true, json_handler(services, handler)});
  };
  post("/v1/embeddings", handle_embeddings);
  return routes;
}

}  // namespace ondol::server
