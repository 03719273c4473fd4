// SchedulerReranker: a model that the server has loaded as the retrieval's Reranker, beside all else that it does. Any
// thread, which waits.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "retrieve/reranker.h"
#include "server/model_pool.h"

namespace ondol::server {

class SchedulerReranker final : public Reranker {
 public:
  /// Of a model that stays loaded; the pool must outlive it. `goes_on` is asked now and then; false: an error, soon.
  static Result<std::shared_ptr<SchedulerReranker>> create(ModelPool& pool, const ModelUse& model,
                                                           std::function<bool()> goes_on);

  std::string name() const override { return name_; }
  std::string source() const override { return source_; }
  Result<std::vector<float>> scores(const std::string& question, std::span<const std::string> texts) override;

 private:
  SchedulerReranker(ModelPool& pool, std::function<bool()> goes_on) : pool_(pool), goes_on_(std::move(goes_on)) {}

  ModelPool& pool_;
  const std::function<bool()> goes_on_;
  std::string id_;
  std::string name_;
  std::string source_;
};

/// The first cross-encoder of the models that stay. Null: none is.
ModelUse reranking_model(const ModelPool& pool);

}  // namespace ondol::server
