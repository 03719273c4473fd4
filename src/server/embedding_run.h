// Texts to vectors for a request. They are embedded on the model's own thread, a few at a time, so that texts that are
// being generated go on between.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/services.h"

namespace ondol::server {

using Vectors = std::vector<std::vector<float>>;
using OnVectors = std::function<void(const LoadedModel&, Vectors vectors, int n_tokens, Responder&)>;

struct EmbeddingJob {
  std::string model;
  std::vector<std::string> texts;
  std::string parameter;  // where the request has them, for errors
  ErrorStyle errors = ErrorStyle::kOpenAi;
  /// With the model, before anything is computed; what it returns is the answer.
  std::function<std::optional<HttpError>(const LoadedModel&)> check = {};
  AdapterChoices adapters = {};
};

/// Calls `done` on a worker, or answers with an error: texts that do not fit the model's context are never cut.
void embed(Services& services, EmbeddingJob job, const ResponderPtr& responder, OnVectors done);

/// Keeps the first `n` numbers of each and makes it of length 1 again; an error when there are fewer.
std::optional<HttpError> shorten(Vectors& vectors, size_t n);

}  // namespace ondol::server
