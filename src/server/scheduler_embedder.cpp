#include "server/scheduler_embedder.h"

#include "runtime/embedder.h"
#include "server/awaited.h"
#include "server/engine_embedder.h"

namespace ondol::server {
namespace {

constexpr size_t kTokensAtOnce = 1024;

}  // namespace

Result<std::shared_ptr<SchedulerEmbedder>> SchedulerEmbedder::create(ModelPool& pool, const ModelUse& model,
                                                                     std::function<bool()> goes_on) {
  std::shared_ptr<SchedulerEmbedder> made(new SchedulerEmbedder(pool, std::move(goes_on)));
  const auto name = std::make_shared<Awaited<std::string>>();
  model->scheduler().post([name](Engine& engine) { name->put(embedder_name(engine)); });
  auto named = name->take(made->goes_on_);
  if (!named) return stopping_error();
  made->name_ = std::move(*named);
  made->id_ = model->id();
  made->source_ = model->engine().file().path();
  made->width_ = static_cast<int>(model->engine().model().config().width);
  return made;
}

Result<std::vector<std::vector<float>>> SchedulerEmbedder::embed(const LoadedModel& model,
                                                                 std::span<const std::string> parts) const {
  const bool is_causal = model.engine().model().config().causal;
  std::vector<std::vector<float>> vectors;
  // A few at a time, so that texts that are being generated go on between.
  for (size_t begin = 0; begin < parts.size();) {
    size_t end = begin, n_tokens = 0, n_pages = 0;
    for (; end < parts.size() && (end == begin || n_tokens < kTokensAtOnce); ++end) {
      const size_t n = model.tokenizer().encode(parts[end], true, SpecialTokens::kAsPlainText).size();
      n_tokens += n;
      n_pages += (n + kPageTokens - 1) / kPageTokens;
    }
    using Some = Result<std::vector<std::vector<float>>>;
    const auto some = std::make_shared<Awaited<Some>>();
    // They are copied: nobody waits for the job when the server ends.
    std::vector<std::string> texts(parts.begin() + static_cast<ptrdiff_t>(begin),
                                   parts.begin() + static_cast<ptrdiff_t>(end));
    model.scheduler().post([some, texts = std::move(texts)](Engine& engine) { some->put(embed_texts(engine, texts)); },
                           is_causal ? static_cast<int>(n_pages) : 0);
    std::optional<Some> made = some->take(goes_on_);
    if (!made) return stopping_error();
    for (auto& vector : ONDOL_TRY(std::move(*made))) vectors.push_back(std::move(vector));
    begin = end;
  }
  return vectors;
}

Result<std::vector<TextEmbedder::Parts>> SchedulerEmbedder::embed_documents(std::span<const std::string> texts) {
  const ModelUse model = ONDOL_TRY(await_model(pool_, id_, goes_on_));
  std::vector<Parts> all;
  for (const std::string& text : texts) {
    const std::vector<std::string> parts = parts_to_embed(model->engine(), text);
    all.push_back(ONDOL_TRY(embed(*model, parts)));
  }
  return all;
}

/// Of a long question, its beginning counts.
Result<std::vector<float>> SchedulerEmbedder::embed_question(const std::string& text) {
  const ModelUse model = ONDOL_TRY(await_model(pool_, id_, goes_on_));
  std::vector<std::string> parts = parts_to_embed(model->engine(), text);
  parts.resize(1);
  return std::move(ONDOL_TRY(embed(*model, parts)).front());
}

ModelUse embedding_model(const ModelPool& pool) {
  for (const ModelPool::Loaded& loaded : pool.loaded()) {
    if (!loaded.is_pinned || loaded.model->info().scores_pairs) continue;
    const auto pooling =
        loaded.model->engine().file().meta_int_or(loaded.model->info().architecture + ".pooling_type", 0);
    if (!loaded.model->info().makes_text || (pooling && *pooling > 0)) return loaded.model;
  }
  return nullptr;
}

}  // namespace ondol::server
