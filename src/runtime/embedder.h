// Embedder: texts to vectors, with the pooling that the model asks for.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "runtime/engine.h"

namespace ondol {

struct EmbedOptions {
  Pooling pooling = Pooling::kNone;         // kNone: the model's own (mean, where it names none)
  bool normalize = true;                    // to length 1
  std::optional<AdapterSet> adapters = {};  // nothing: the engine's own
};

/// One vector of the model's width per text. Texts are batched; the order is kept. Fails when a text is longer than the
/// model's context, naming the text's index: embeddings of silently cut texts mislead.
Result<std::vector<std::vector<float>>> embed_texts(Engine& engine, std::span<const std::string> texts,
                                                    const EmbedOptions& options = {});

}  // namespace ondol
