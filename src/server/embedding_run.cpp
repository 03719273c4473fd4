#include "server/embedding_run.h"

#include <cmath>

#include <fmt/format.h>

#include "runtime/embedder.h"

namespace ondol::server {
namespace {

constexpr size_t kTokensAtOnce = 1024;

class EmbeddingRun : public std::enable_shared_from_this<EmbeddingRun> {
 public:
  EmbeddingRun(Services& services, EmbeddingJob job, ResponderPtr responder, OnVectors done)
      : services_(services), job_(std::move(job)), responder_(std::move(responder)), done_(std::move(done)) {}

  /// On a worker.
  void start(ModelUse model, const std::string& adapter) {
    model_ = std::move(model);
    AdapterSet adapters;
    if (const auto error = services_.models->adapters().choose(*model_, adapter, job_.adapters, adapters)) {
      return send_error(*responder_, job_.errors, *error);
    }
    options_.adapters = std::move(adapters);
    if (job_.check) {
      if (const auto error = job_.check(*model_)) return send_error(*responder_, job_.errors, *error);
    }
    const int64_t context = model_->engine().context_length();
    for (size_t i = 0; i < job_.texts.size(); ++i) {
      const auto n = model_->tokenizer().encode(job_.texts[i], true, SpecialTokens::kAsPlainText).size();
      if (n == 0) return fail(i, "expected words, got an empty text");
      if (static_cast<int64_t>(n) > context) {
        return fail(i, fmt::format("the text has {} tokens and the model's context holds {}", n, context),
                    "context_length_exceeded");
      }
      lengths_.push_back(n);
      n_tokens_ += static_cast<int>(n);
    }
    post_next();
  }

 private:
  void fail(size_t index, const std::string& message, const char* code = "") {
    const std::string place = job_.texts.size() == 1 ? job_.parameter : fmt::format("{}[{}]", job_.parameter, index);
    HttpError error = make_error(400, place + ": " + message, code);
    error.parameter = place;
    send_error(*responder_, job_.errors, error);
  }

  /// As many texts as are computed at once, and have room in the cache at once.
  void post_next() {
    const size_t begin = vectors_.size();
    const auto most_pages = static_cast<size_t>(model_->engine().context_length() / kPageTokens);
    size_t end = begin, n_tokens = 0, n_pages = 0;
    for (; end < job_.texts.size(); ++end) {
      const size_t n_more = (lengths_[end] + kPageTokens - 1) / kPageTokens;
      if (end > begin && (n_tokens + lengths_[end] > kTokensAtOnce || n_pages + n_more > most_pages)) break;
      n_tokens += lengths_[end];
      n_pages += n_more;
    }
    if (!model_->engine().model().config().causal) n_pages = 0;
    model_->scheduler().post([run = shared_from_this(), end](Engine& engine) { run->embed_some(engine, end); },
                             static_cast<int>(n_pages));
  }

  void embed_some(Engine& engine, size_t end) {
    if (responder_->is_gone()) return;
    const size_t begin = vectors_.size();
    auto some = embed_texts(engine, std::span(job_.texts).subspan(begin, end - begin), options_);
    if (!some) return fail(begin, some.error().message());
    for (auto& vector : *some) vectors_.push_back(std::move(vector));
    if (end < job_.texts.size()) return post_next();
    services_.workers.post([run = shared_from_this()] {
      run->done_(*run->model_, std::move(run->vectors_), run->n_tokens_, *run->responder_);
    });
  }

  Services& services_;
  const EmbeddingJob job_;
  const ResponderPtr responder_;
  const OnVectors done_;
  ModelUse model_;
  EmbedOptions options_;
  std::vector<size_t> lengths_;
  Vectors vectors_;
  int n_tokens_ = 0;
};

void normalize(std::vector<float>& vector) {
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * x;
  if (squares == 0) return;
  for (float& x : vector) x = static_cast<float>(x / std::sqrt(squares));
}

}  // namespace

void embed(Services& services, EmbeddingJob job, const ResponderPtr& responder, OnVectors done) {
  const std::string model = job.model;
  const ErrorStyle errors = job.errors;
  auto run = std::make_shared<EmbeddingRun>(services, std::move(job), responder, std::move(done));
  services.models->use(model, [&services, run, responder, errors](ModelPool::Outcome outcome) {
    if (outcome.error) return send_error(*responder, errors, *outcome.error);
    services.workers.post(
        [run, use = std::move(outcome.model), adapter = outcome.adapter] { run->start(use, adapter); });
  });
}

std::optional<HttpError> shorten(Vectors& vectors, size_t n) {
  for (std::vector<float>& vector : vectors) {
    if (n > vector.size()) {
      HttpError error = make_error(400, fmt::format("dimensions: the model has {}, got {}", vector.size(), n));
      error.parameter = "dimensions";
      return error;
    }
    vector.resize(n);
    normalize(vector);
  }
  return {};
}

}  // namespace ondol::server
