#include "runtime/engine.h"

#include <fmt/format.h>

#include "models/adapter.h"
#include "models/batch.h"
#include "runtime/load_text.h"

namespace ondol {
namespace {

Result<void> check_vocabulary(const Model& model, const Tokenizer& tokenizer, const std::string& path) {
  // A padded embedding table is usual; a tokenizer that yields ids beyond it is not.
  if (tokenizer.vocabulary_size() <= model.config().vocabulary_size) return {};
  return Error(fmt::format("{}: expected at most {} tokens in the vocabulary (rows of the embedding), got {}", path,
                           model.config().vocabulary_size, tokenizer.vocabulary_size()));
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(const std::string& path, const EngineOptions& options) {
  std::unique_ptr<Engine> engine(new Engine());
  engine->options_ = options;
  engine->backend_ = ONDOL_TRY(create_cpu_backend(options.cpu));
  if (options.observer) engine->backend_ = observe_products(std::move(engine->backend_), options.observer);
  engine->file_ = ONDOL_TRY(open_model_file(path));
  engine->model_ = ONDOL_TRY(load_model(engine->file_));
  std::vector<AdapterSet::Member> adapters;
  for (const AdapterWish& wish : options.adapters) {
    adapters.push_back({ONDOL_TRY(engine->load_adapter(wish.path)), wish.factor});
  }
  engine->adapters_ = AdapterSet(std::move(adapters));
  if (options.needs_tokenizer) {
    ModelText text = ONDOL_TRY(load_text(*engine->file_));
    ONDOL_TRY(check_vocabulary(*engine->model_, *text.tokenizer, path));
    engine->tokenizer_ = std::move(text.tokenizer);
    engine->template_ = std::move(text.chat_template);
  }

  const ModelConfig& config = engine->model_->config();
  if (config.learned_positions && options.context.length > config.context_length) {
    return Error(
        fmt::format("{}: expected a context of at most {} tokens, because the model knows no later positions; "
                    "got {}",
                    path, config.context_length, options.context.length));
  }
  engine->plan_ = plan_memory(*engine->file_, config, options.kv_types, options.context, options.batch_rows,
                              available_memory_bytes(), options.beside);
  if (!engine->plan_.fits) return Error(fmt::format("{}: {}", path, engine->plan_.explain()));
  engine->cache_ = ONDOL_TRY(KvCache::create(config.kv_layers, options.kv_types, engine->plan_.context_length));
  return engine;
}

Result<std::shared_ptr<const Adapter>> Engine::load_adapter(const std::string& path) const {
  return ondol::load_adapter(path, *model_, *file_);
}

Tensor Engine::forward(const Batch& batch) {
  arena_.release({});
  Context context{*backend_, arena_, adapter_rows(batch, adapters_.uses())};
  return model_->forward(batch, cache_, context);
}

}  // namespace ondol
