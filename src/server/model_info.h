// ModelInfo: what is said about a model without loading it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "models/model.h"
#include "runtime/engine.h"

namespace ondol::server {

struct ModelInfo {
  std::string architecture;
  std::string quantization;  // the type that most of the weights' bytes have
  int64_t parameters = 0;
  int64_t context_length = 0;  // that the model was trained for
  int64_t embedding_length = 0;
  bool makes_text = true;     // false: an encoder, for embeddings only, or
  bool scores_pairs = false;  // a cross-encoder, for reranking only
  bool has_template = false;
  bool has_tools = false;  // in its template
  bool has_reasoning = false;
  std::string template_source;
  MemoryPlan plan;  // with what is free now
};

/// The engine's options for a model in a server: a context for conversations with tools, where the model and the free
/// memory allow it and none was asked for.
EngineOptions serving_options(const EngineOptions& wanted, const ModelFile& file, const ModelConfig& config,
                              int64_t available_bytes);

/// Opens the file, which takes milliseconds, and reads no weights.
Result<ModelInfo> read_model_info(const std::string& path, const EngineOptions& wanted, int64_t available_bytes);

/// What is free for one more model: weights that this process has mapped count as taken, though the kernel could drop
/// them.
int64_t memory_for_another_model();

}  // namespace ondol::server
