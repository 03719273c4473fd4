// EngineEmbedder: an embedding model as the retrieval's TextEmbedder.
#pragma once

#include <memory>
#include <string>

#include "retrieve/text_embedder.h"
#include "runtime/engine.h"

namespace ondol {

class EngineEmbedder final : public TextEmbedder {
 public:
  /// Error: a model without a tokenizer.
  static Result<std::unique_ptr<EngineEmbedder>> create(std::unique_ptr<Engine> engine);

  std::string name() const override { return name_; }
  std::string source() const override { return engine_->file().path(); }
  int width() const override { return static_cast<int>(engine_->model().config().width); }
  Result<std::vector<Parts>> embed_documents(std::span<const std::string> texts) override;
  Result<std::vector<float>> embed_question(const std::string& text) override;

 private:
  EngineEmbedder(std::unique_ptr<Engine> engine, std::string name)
      : engine_(std::move(engine)), name_(std::move(name)) {}
  void append_parts(std::string_view text, std::vector<std::string>& parts) const;

  std::unique_ptr<Engine> engine_;
  std::string name_;
};

}  // namespace ondol
