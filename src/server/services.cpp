#include "server/services.h"

#include "server/agent_documents.h"
#include "server/agent_service.h"
#include "server/scheduler_embedder.h"
#include "server/scheduler_reranker.h"
#include "server/served_agent_model.h"
#include "server/vector_stores.h"

namespace ondol::server {

Services::Services(std::unique_ptr<ModelPool> pool, size_t n_workers, std::string data_folder)
    : data(std::move(data_folder)),
      files(data),
      workers(n_workers),
      vector_stores_(std::make_unique<VectorStores>(data, files)),
      vector_stores(*vector_stores_),
      models(std::move(pool)),
      tuning(data, files, *models) {
  on_stop([this] {
    tuning.stop();
    if (agents) agents->tell_to_stop();
    vector_stores.stop_reading();
  });
}

Services::~Services() {
  if (agents) agents->stop();
  workers.stop();
  hosted.stop();
  vector_stores.stop();
}

Result<void> Services::enable_agents(AgentOptions options) {
  if (!options.model) {
    options.model = [this](const std::string& name, std::function<bool()> goes_on) {
      return open_served_agent_model(*models, name, std::move(goes_on));
    };
  }
  if (!options.places.search_documents) {
    options.places.search_documents = [this](std::string_view question, size_t n) {
      return search_collections(vector_stores, question, n);
    };
  }
  agents = ONDOL_TRY(AgentService::open(std::move(options)));
  return {};
}

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
  std::shared_ptr<Reranker> reranker;
  if (const ModelUse model = reranking_model(*models)) {
    auto made = SchedulerReranker::create(*models, model, [this] { return !vector_stores.is_ending(); });
    if (made) reranker = std::move(*made);
  }
  vector_stores.start(std::move(embedder), std::move(reranker));
  tuning.start();
  if (agents) agents->start();
}

}  // namespace ondol::server
