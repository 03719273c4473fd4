// EngineReranker: a model as the retrieval's Reranker: a cross-encoder by its head, an embedding model by late
// interaction.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "retrieve/reranker.h"
#include "runtime/engine.h"

namespace ondol {

/// Reranker::name and most_share of this model.
std::string reranker_name(Engine& engine);
double most_rerank_share(const Engine& engine);
/// By its head, or else by late interaction.
Result<std::vector<float>> rerank_scores(Engine& engine, const std::string& question,
                                         std::span<const std::string> texts);

class EngineReranker final : public Reranker {
 public:
  explicit EngineReranker(std::unique_ptr<Engine> engine)
      : engine_(std::move(engine)), name_(reranker_name(*engine_)) {}

  std::string name() const override { return name_; }
  std::string source() const override { return engine_->file().path(); }
  double most_share() const override { return most_rerank_share(*engine_); }
  Result<std::vector<float>> scores(const std::string& question, std::span<const std::string> texts) override {
    return rerank_scores(*engine_, question, texts);
  }

 private:
  std::unique_ptr<Engine> engine_;
  std::string name_;
};

}  // namespace ondol
