// /mcp: the collections and models of this server for MCP clients.
#include <utility>

#include <fmt/format.h>

#include "server/engine_generator.h"
#include "server/mcp_http.h"
#include "server/mcp_knowledge.h"
#include "server/mcp_routes.h"
#include "server/scheduler_generator.h"
#include "server/vector_stores.h"
#include "server/wait_for_model.h"

namespace ondol::server {
namespace {

KnowledgeSources sources_of(Services& services) {
  KnowledgeSources sources;
  // What belongs to one key alone is not offered: a session of MCP has no owner that collections know.
  sources.collections = [&services] {
    std::vector<std::string> names;
    for (const VectorStore& store : services.vector_stores.list("")) names.push_back(store.id);
    return names;
  };
  sources.documents = [&services](const std::string& name) -> Result<std::shared_ptr<CollectionDocuments>> {
    VectorStores::Searchable found = services.vector_stores.searchable(name, "");
    if (found.error) return Error(found.error->message);
    return std::move(found.documents);
  };
  sources.models = [&services] {
    json::array all;
    for (const StoredModel& model : services.models->catalog().list())
      all.push_back(json::object{{"name", model.name}});
    return all;
  };
  sources.generator = [&services](const std::string& name, bool follows,
                                  const std::function<bool()>& goes_on) -> Result<std::unique_ptr<TextGenerator>> {
    ModelPool::Outcome outcome = ONDOL_TRY(wait_for_model(*services.models, name, goes_on));
    const Engine& engine = outcome.model->engine();
    if (follows && !follows_instructions(engine)) return std::unique_ptr<TextGenerator>();
    return std::unique_ptr<TextGenerator>(
        std::make_unique<SchedulerGenerator>(outcome.model, SchedulerGenerator::Terms{{}, "mcp", goes_on}));
  };
  return sources;
}

/// All of it together, as routes and what they have begun need it.
struct Protocol {
  explicit Protocol(Services& services)
      : server(catalog, {.version = "0.1.0",
                         .instructions = "search and ask use the owner's documents; generate uses a local model."}),
        http(server, services.workers) {
    offer_knowledge(*catalog, sources_of(services));
  }
  const std::shared_ptr<mcp::Catalog> catalog = std::make_shared<mcp::Catalog>();
  mcp::Server server;
  McpHttp http;
};

}  // namespace

std::vector<Route> mcp_routes(Services& services) {
  const auto protocol = std::make_shared<Protocol>(services);
  services.on_stop([weak = std::weak_ptr(protocol)] {
    if (const auto alive = weak.lock()) alive->server.stop();
  });
  return protocol->http.routes("/mcp", protocol);
}

}  // namespace ondol::server
