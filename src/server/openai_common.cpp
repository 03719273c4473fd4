// What the routes of OpenAI's family share.
#include <cmath>

#include "server/json_fields.h"
#include "server/openai.h"

namespace ondol::server {

json::object openai_usage(const AnswerUsage& usage) {
  return {{"prompt_tokens", usage.n_prompt},
          {"completion_tokens", usage.n_generated},
          {"total_tokens", usage.n_prompt + usage.n_generated},
          {"prompt_tokens_details", {{"cached_tokens", usage.n_cached}, {"audio_tokens", 0}}},
          {"completion_tokens_details",
           {{"reasoning_tokens", usage.n_reasoning},
            {"audio_tokens", 0},
            {"accepted_prediction_tokens", 0},
            {"rejected_prediction_tokens", 0}}}};
}

json::object openai_timings(const AnswerUsage& usage) {
  const auto rounded = [](double value) { return std::round(value * 1e3) / 1e3; };
  const auto per_second = [&](int n, double seconds) { return seconds > 0 ? rounded(n / seconds) : 0.0; };
  const int n_read = usage.n_prompt - usage.n_cached;
  return {{"queue_ms", rounded(usage.queue_seconds * 1e3)},
          {"prompt_n", n_read},
          {"cached_n", usage.n_cached},
          {"prompt_ms", rounded(usage.prompt_seconds * 1e3)},
          {"prompt_per_second", per_second(n_read, usage.prompt_seconds)},
          {"predicted_n", usage.n_generated},
          {"predicted_ms", rounded(usage.token_seconds * 1e3)},
          {"predicted_per_second", per_second(usage.n_generated, usage.token_seconds)}};
}

void send_json(Responder& responder, const json::value& document) {
  responder.send(200, "application/json", json_text(document));
}

Handler worker_handler(Services& services, std::function<void(std::shared_ptr<const Request>, ResponderPtr)> handle) {
  return [&services, handle = std::move(handle)](std::shared_ptr<const Request> request, ResponderPtr responder) {
    services.workers.post(
        [handle, request = std::move(request), responder = std::move(responder)] { handle(request, responder); });
  };
}

Handler json_handler(Services& services,
                     std::function<void(std::shared_ptr<const Request>, ResponderPtr, const json::object&)> handle,
                     ErrorStyle errors) {
  return worker_handler(services, [handle = std::move(handle), errors](const std::shared_ptr<const Request>& request,
                                                                       const ResponderPtr& responder) {
    const auto body = read_json_object(*request);
    if (!body) return send_error(*responder, errors, field_error(body.error()));
    handle(request, responder, *body);
  });
}

}  // namespace ondol::server
