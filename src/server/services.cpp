#include "server/services.h"

#include "server/scheduler_embedder.h"

namespace ondol::server {

Result<void> Services::load_data() {
  if (!data.exists()) return {};
  ONDOL_TRY(data.claim());
  ONDOL_TRY(files.load());
  ONDOL_TRY(tuning.load());
  ONDOL_TRY(vector_stores.load());
  return {};
}

void Services::start() {
  std::shared_ptr<TextEmbedder> embedder;
  if (const ModelUse model = embedding_model(*models)) {
    auto made = SchedulerEmbedder::create(*models, model, [this] { return !vector_stores.is_ending(); });
    if (made) embedder = std::move(*made);
  }
  vector_stores.start(std::move(embedder));
  tuning.start();
}

}  // namespace ondol::server
