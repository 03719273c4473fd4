#include "server/routes.h"

#include "server/adapters.h"
#include "server/agent_routes.h"
#include "server/anthropic.h"
#include "server/container_routes.h"
#include "server/files.h"
#include "server/mcp_routes.h"
#include "server/ollama.h"
#include "server/openai.h"
#include "server/responses.h"
#include "server/static_files.h"
#include "server/tuning.h"
#include "server/vector_store_routes.h"

namespace ondol::server {

/// web/dist, from cmake/embed_files.cmake.
std::span<const EmbeddedFile> web_page();

std::vector<Route> all_routes(Services& services) {
  std::vector<Route> all;
  for (const auto family : {openai_chat_routes,   openai_completion_routes,
                            openai_model_routes,  openai_embedding_routes,
                            openai_rerank_routes, adapter_routes,
                            file_routes,          container_routes,
                            vector_store_routes,  tuning_routes,
                            response_routes,      token_routes,
                            status_routes,        anthropic_routes,
                            ollama_chat_routes,   ollama_embedding_routes,
                            ollama_model_routes,  ollama_pull_routes,
                            mcp_routes,           agent_routes}) {
    for (Route& route : family(services)) all.push_back(std::move(route));
  }
  return all;
}

std::vector<Route> page_routes() {
  return static_routes(web_page());
}

std::vector<Route> pageless_routes() {
  const auto say = [](const std::shared_ptr<const Request>&, const ResponderPtr& responder) {
    responder->send(200, "text/plain; charset=utf-8", "Ondol is running\n");
  };
  return {{"GET", "/", ErrorStyle::kOpenAi, false, say}};
}

}  // namespace ondol::server
