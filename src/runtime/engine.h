// Engine: a loaded model with its tokenizer, template, backend and KV cache. It makes Sessions and runs their batches.
//
// Opening plans memory first (plan.h): the context is as asked for, or as large as the model and the free memory
// allow. One thread uses an engine at a time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/observed_backend.h"
#include "models/model.h"
#include "runtime/adapter_set.h"
#include "runtime/plan.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace ondol {

/// An adapter's file or folder (models/adapter.h), and how strongly it counts.
struct AdapterWish {
  std::string path;
  float factor = 1.0f;
};

struct EngineOptions {
  CpuOptions cpu;
  ContextWish context;  // positions over all sessions
  KvTypes kv_types = DType::F16;
  int batch_rows = 512;  // rows of one forward pass at most
  /// Without it, a model whose tokenizer is missing or damaged can still compute: tokenizer() must not be called then.
  bool needs_tokenizer = true;
  /// Memory to leave to a draft model.
  CompanionMemory beside;
  /// Added to everything that names no adapters of its own.
  std::vector<AdapterWish> adapters;
  /// If set, sees the inputs of every weight.
  ProductObserver observer;
};

/// Told how far a prompt has been evaluated; returns false to stop.
using EvaluationProgress = std::function<bool(int done, int total)>;

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> open(const std::string& path, const EngineOptions& options);

  const Model& model() const { return *model_; }
  const ModelFile& file() const { return *file_; }
  const Backend& backend() const { return *backend_; }
  const MemoryPlan& plan() const { return plan_; }
  int64_t context_length() const { return plan_.context_length; }
  int batch_rows() const { return options_.batch_rows; }

  const Tokenizer& tokenizer() const {
    ONDOL_CHECK(tokenizer_ != nullptr);
    return *tokenizer_;
  }
  /// For what outlives this engine, or is made from a shared tokenizer. Null where none was wanted.
  std::shared_ptr<const Tokenizer> shared_tokenizer() const { return tokenizer_; }
  /// The model's chat template, or nullptr when it has none.
  const ChatTemplate* chat_template() const { return template_ ? &*template_ : nullptr; }

  KvCache& cache() { return cache_; }

  /// Reads an adapter for this model; slices of a batch may then name it (BatchSlice::adapters). From any thread.
  Result<std::shared_ptr<const Adapter>> load_adapter(const std::string& path) const;

  /// What is added to everything that names no adapters of its own.
  const AdapterSet& adapters() const { return adapters_; }

  /// One forward pass. The result lies in the arena until the next pass.
  Tensor forward(const Batch& batch);

 private:
  Engine() = default;

  EngineOptions options_;
  std::shared_ptr<const ModelFile> file_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Backend> backend_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::optional<ChatTemplate> template_;
  AdapterSet adapters_;
  MemoryPlan plan_;
  KvCache cache_;
  Arena arena_;
};

}  // namespace ondol
