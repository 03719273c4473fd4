// SchedulerEmbedder: an embedding model that the server has loaded as the retrieval's TextEmbedder, beside all else
// that it does. Any thread, which waits.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "retrieve/text_embedder.h"
#include "server/model_pool.h"

namespace ondol::server {

class SchedulerEmbedder final : public TextEmbedder {
 public:
  /// Of a model that stays loaded; the pool must outlive it. `goes_on` is asked now and then; false: an error, soon.
  static Result<std::shared_ptr<SchedulerEmbedder>> create(ModelPool& pool, const ModelUse& model,
                                                           std::function<bool()> goes_on);

  std::string name() const override { return name_; }
  std::string source() const override { return source_; }
  int width() const override { return width_; }
  Result<std::vector<Parts>> embed_documents(std::span<const std::string> texts) override;
  Result<std::vector<float>> embed_question(const std::string& text) override;

 private:
  SchedulerEmbedder(ModelPool& pool, std::function<bool()> goes_on) : pool_(pool), goes_on_(std::move(goes_on)) {}
  Result<std::vector<std::vector<float>>> embed(const LoadedModel& model, std::span<const std::string> parts) const;

  ModelPool& pool_;
  const std::function<bool()> goes_on_;
  std::string id_;
  std::string name_;
  std::string source_;
  int width_ = 0;
};

/// The first of the models that stay which is for embeddings: an encoder, or one whose file says how its states are
/// pooled. Null: none is.
ModelUse embedding_model(const ModelPool& pool);

}  // namespace ondol::server
