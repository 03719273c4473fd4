// POST /tokenize and /detokenize, as llama.cpp's server has them.
#include <fmt/format.h>

#include "server/openai.h"
#include "server/openai_logprobs.h"
#include "text/unicode.h"

namespace ondol::server {
namespace {

using OnModel = std::function<void(const LoadedModel&, Responder&)>;

/// The model that the body names, then `handle` on a worker.
void with_model(Services& services, const std::string& name, const ResponderPtr& responder, OnModel handle) {
  services.models->use(name, [&services, responder, handle = std::move(handle)](ModelPool::Outcome outcome) {
    if (outcome.error) return send_error(*responder, ErrorStyle::kOpenAi, *outcome.error);
    services.workers.post([responder, handle, model = std::move(outcome.model)] { handle(*model, *responder); });
  });
}

/// A piece as text, or its bytes where it is half a character.
json::value piece_json(const std::string& piece) {
  if (is_valid_utf8(piece)) return json::value(piece);
  json::array bytes;
  for (const char c : piece) bytes.push_back(static_cast<uint8_t>(c));
  return bytes;
}

void tokenize(Services& services, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  const Fields fields(body, fault);
  const std::string model = fields.text("model").value_or("");
  const std::string content = fields.required_text("content");
  const bool add_special = fields.flag("add_special").value_or(false);
  const bool parse_special = fields.flag("parse_special").value_or(true);
  const bool with_pieces = fields.flag("with_pieces").value_or(false);
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  with_model(services, model, responder, [=](const LoadedModel& loaded, Responder& to) {
    const auto special = parse_special ? SpecialTokens::kParse : SpecialTokens::kAsPlainText;
    json::array tokens;
    for (const TokenId id : loaded.tokenizer().encode(content, add_special, special)) {
      if (!with_pieces) {
        tokens.push_back(id);
      } else {
        tokens.push_back(json::object{{"id", id}, {"piece", piece_json(loaded.tokenizer().piece(id, true))}});
      }
    }
    send_json(to, json::object{{"tokens", std::move(tokens)}});
  });
}

void detokenize(Services& services, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  const Fields fields(body, fault);
  const std::string model = fields.text("model").value_or("");
  std::vector<TokenId> ids;
  const json::array* tokens = fields.array("tokens");
  if (tokens == nullptr) fields.fail("tokens", "tokens: expected an array of token ids, got nothing");
  for (size_t i = 0; tokens != nullptr && i < tokens->size(); ++i) {
    boost::system::error_code code;
    const auto id = (*tokens)[i].is_number() ? (*tokens)[i].to_number<TokenId>(code) : kNoToken;
    if (code || id < 0) {
      const std::string place = fmt::format("tokens[{}]", i);
      fields.fail(place, fmt::format("{}: expected a token id, got {}", place, json_text((*tokens)[i])));
      break;
    }
    ids.push_back(id);
  }
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  with_model(services, model, responder, [ids](const LoadedModel& loaded, Responder& to) {
    send_json(to, json::object{{"content", shown_token(loaded.tokenizer().decode(ids, true))}});
  });
}

}  // namespace

std::vector<Route> token_routes(Services& services) {
  std::vector<Route> routes;
  const auto post = [&](const char* path, auto handle) {
    const auto handler = [&services, handle](const std::shared_ptr<const Request>&, const ResponderPtr& responder,
                                             const json::object& body) { handle(services, responder, body); };
    routes.push_back({"POST", path, ErrorStyle::kOpenAi, true, json_handler(services, handler)});
  };
  post("/tokenize", tokenize);
  post("/detokenize", detokenize);
  return routes;
}

}  // namespace ondol::server
