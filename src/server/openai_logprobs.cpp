#include "server/openai_logprobs.h"

#include "text/unicode.h"

namespace ondol::server {
namespace {

json::object logprob(const std::string& text, float value) {
  json::array bytes;
  for (const char c : text) bytes.push_back(static_cast<uint8_t>(c));
  json::object object = {{"token", shown_token(text)}, {"logprob", value}};
  object["bytes"] = std::move(bytes);
  return object;
}

}  // namespace

std::string shown_token(std::string_view bytes) {
  return replace_invalid_utf8(bytes);
}

json::object openai_logprob(const TokenReport& report) {
  json::object object = logprob(report.text, report.logprob);
  json::array best;
  for (const auto& [text, value] : report.best) best.push_back(logprob(text, value));
  object["top_logprobs"] = std::move(best);
  return object;
}

}  // namespace ondol::server
