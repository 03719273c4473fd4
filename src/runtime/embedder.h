// Embedder: texts to vectors, with the pooling that the model asks for.
#pragma once

#include <functional>
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

/// Told the final hidden states of a text: the slice's rows of `hidden`, one for each token. They are gone afterwards.
using TextStates = std::function<void(const Tensor& hidden, const BatchSlice& slice)>;

/// Calls `states` for each text, in their order. A text must have tokens, and at most as many as the context.
Result<void> run_texts(Engine& engine, std::span<const std::vector<TokenId>> texts,
                       const std::optional<AdapterSet>& adapters, const TextStates& states);

/// One vector of the model's width per text. Texts are batched; the order is kept. Fails when a text is longer than the
/// model's context, naming the text's index: embeddings of silently cut texts mislead.
Result<std::vector<std::vector<float>>> embed_texts(Engine& engine, std::span<const std::string> texts,
                                                    const EmbedOptions& options = {});

}  // namespace ondol
