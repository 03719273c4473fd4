#include "server/scheduler_reranker.h"

#include <algorithm>

#include "runtime/cross_encoder.h"
#include "server/awaited.h"
#include "server/engine_reranker.h"

namespace ondol::server {
namespace {

/// Texts that are scored at once, so that others who ask the model come between.
constexpr size_t kTextsAtOnce = 4;

}  // namespace

Result<std::shared_ptr<SchedulerReranker>> SchedulerReranker::create(ModelPool& pool, const ModelUse& model,
                                                                     std::function<bool()> goes_on) {
  std::shared_ptr<SchedulerReranker> made(new SchedulerReranker(pool, std::move(goes_on)));
  const auto name = std::make_shared<Awaited<std::string>>();
  model->scheduler().post([name](Engine& engine) { name->put(reranker_name(engine)); });
  auto named = name->take(made->goes_on_);
  if (!named) return stopping_error();
  made->name_ = std::move(*named);
  made->id_ = model->id();
  made->source_ = model->engine().file().path();
  return made;
}

Result<std::vector<float>> SchedulerReranker::scores(const std::string& question, std::span<const std::string> texts) {
  const ModelUse model = ONDOL_TRY(await_model(pool_, id_, goes_on_));
  std::vector<float> all;
  for (size_t begin = 0; begin < texts.size(); begin += kTextsAtOnce) {
    const auto part = texts.subspan(begin, std::min(kTextsAtOnce, texts.size() - begin));
    using Some = Result<std::vector<float>>;
    const auto some = std::make_shared<Awaited<Some>>();
    // They are copied: nobody waits for the job when the server ends.
    model->scheduler().post([some, question, copies = std::vector<std::string>(part.begin(), part.end())](
                                Engine& engine) { some->put(score_texts(engine, question, copies)); });
    std::optional<Some> made = some->take(goes_on_);
    if (!made) return stopping_error();
    for (const float score : ONDOL_TRY(std::move(*made))) all.push_back(score);
  }
  return all;
}

ModelUse reranking_model(const ModelPool& pool) {
  for (const ModelPool::Loaded& loaded : pool.loaded()) {
    if (loaded.is_pinned && loaded.model->info().scores_pairs) return loaded.model;
  }
  return nullptr;
}

}  // namespace ondol::server
