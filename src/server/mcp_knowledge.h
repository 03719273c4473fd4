// What the owner's machine knows, for MCP: collections and models, wherever they are kept.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/mcp/catalog.h"
#include "retrieve/answer/text_generator.h"
#include "server/collection_documents.h"

namespace ondol::server {

/// Functions may be null, and are called from several threads at once.
struct KnowledgeSources {
  std::function<std::vector<std::string>()> collections;
  std::function<Result<std::shared_ptr<CollectionDocuments>>(const std::string& name)> documents;
  std::function<json::array()> models;  // [{"name", ...}], the default first
  /// Of a model, "" is the default. `follows` asks for one that follows instructions: null where it does not.
  std::function<Result<std::unique_ptr<TextGenerator>>(const std::string& model, bool follows,
                                                       const std::function<bool()>& goes_on)>
      generator;
};

void offer_knowledge(mcp::Catalog& catalog, const KnowledgeSources& sources);

}  // namespace ondol::server
