// EngineEmbedder: an embedding model as the retrieval's TextEmbedder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "retrieve/text_embedder.h"
#include "runtime/engine.h"

namespace ondol {

/// The parts of a text, none longer than an embedding model reads well. Looks at what does not change of the engine.
std::vector<std::string> parts_to_embed(const Engine& engine, std::string_view text);
/// TextEmbedder::name of this model.
std::string embedder_name(Engine& engine);

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

  std::unique_ptr<Engine> engine_;
  std::string name_;
};

}  // namespace ondol
