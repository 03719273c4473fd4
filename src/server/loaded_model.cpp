#include "server/loaded_model.h"

#include "runtime/prefix_store.h"

namespace ondol::server {

Result<std::unique_ptr<LoadedModel>> LoadedModel::open(std::string id, const std::string& path, ModelInfo info,
                                                       const LoadOptions& options) {
  auto engine = ONDOL_TRY(Engine::open(path, options.engine));
  std::unique_ptr<PrefixStore> store;
  if (!options.cache_directory.empty() && info.makes_text) {
    PrefixStoreOptions wanted;
    wanted.directory = options.cache_directory;
    wanted.max_bytes = options.cache_bytes;
    wanted.log = options.log;
    store = ONDOL_TRY(PrefixStore::open(std::move(wanted), prefix_tag(*engine)));
  }
  std::unique_ptr<LoadedModel> model(new LoadedModel());
  model->id_ = std::move(id);
  model->info_ = std::move(info);
  model->scheduler_ = Scheduler::start(std::move(engine), options.scheduler, std::move(store));
  model->study_text();
  return model;
}

void LoadedModel::study_text() {
  const Engine& engine = scheduler_->engine();
  style_ = ChatStyle::of(engine.chat_template(), info_.template_source, engine.tokenizer());
  fill_in_ = FillIn::of(engine.file(), engine.tokenizer());
}

std::shared_ptr<const MaskVocabulary> LoadedModel::vocabulary() const {
  std::call_once(vocabulary_made_, [this] { vocabulary_ = MaskVocabulary::create(engine().shared_tokenizer()); });
  return vocabulary_;
}

}  // namespace ondol::server
