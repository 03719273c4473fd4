#include "server/mcp_knowledge.h"

#include <utility>

#include <fmt/format.h>

#include "agent/mcp/knowledge_offer.h"

namespace ondol::server {
namespace {

class OfferedCollections : public mcp::Collections {
 public:
  explicit OfferedCollections(KnowledgeSources sources) : sources_(std::move(sources)) {}

  std::vector<std::string> names() override { return sources_.collections(); }

  Result<json::array> search(const std::string& collection, const std::string& question, size_t n) override {
    const auto documents = ONDOL_TRY(sources_.documents(collection));
    json::array hits;
    const CollectionDocuments::Wish wish{{question}, n, {}, [](const std::string&) { return true; }};
    for (const auto& [hit, score] : ONDOL_TRY(documents->search(wish)))
      hits.push_back(json::object{{"path", hit.path},
                                  {"page", hit.page == 0 ? json::value(nullptr) : json::value(hit.page)},
                                  {"start", hit.start},
                                  {"end", hit.end},
                                  {"headings", hit.headings},
                                  {"score", score},
                                  {"text", hit.text}});
    return hits;
  }

  Result<json::object> ask(const std::string& collection, const std::string& question,
                           const std::function<bool()>& goes_on) override {
    const auto documents = ONDOL_TRY(sources_.documents(collection));
    std::unique_ptr<TextGenerator> generator;
    // Without a model that can, sentences are quoted.
    if (sources_.generator)
      if (auto found = sources_.generator("", true, goes_on)) generator = std::move(*found);
    const auto sink = [&](const Claim&) { return goes_on(); };
    return answer_json(ONDOL_TRY(documents->answer(question, {}, generator.get(), sink)));
  }

  Result<json::object> contents(const std::string& collection) override {
    const auto documents = ONDOL_TRY(sources_.documents(collection));
    json::array known, failed;
    for (const DocumentRecord& record : ONDOL_TRY(documents->list())) {
      json::object one{{"path", record.path}, {"bytes", record.size_bytes}};
      if (!record.error.empty()) one["error"] = record.error;
      (record.error.empty() ? known : failed).push_back(std::move(one));
    }
    return json::object{{"name", collection}, {"documents", std::move(known)}, {"failed", std::move(failed)}};
  }

 private:
  const KnowledgeSources sources_;
};

class OfferedModels : public mcp::Models {
 public:
  explicit OfferedModels(KnowledgeSources sources) : sources_(std::move(sources)) {}

  json::array list() override { return sources_.models(); }

  Result<std::string> generate(const Wish& wish) override {
    const auto goes_on = [&wish] { return wish.goes_on == nullptr || wish.goes_on(0); };
    const auto generator = ONDOL_TRY(sources_.generator(wish.model, false, goes_on));
    TextGenerator::Wish text;
    if (!wish.system.empty()) text.turns.push_back({"system", wish.system});
    text.turns.push_back({"user", wish.prompt});
    text.max_tokens = wish.max_tokens;
    size_t n_characters = 0;
    text.sink = [&](std::string_view piece) {
      n_characters += piece.size();
      return wish.goes_on == nullptr || wish.goes_on(n_characters);
    };
    return generator->generate(text);
  }

 private:
  const KnowledgeSources sources_;
};

}  // namespace

void offer_knowledge(mcp::Catalog& catalog, const KnowledgeSources& sources) {
  if (sources.collections) mcp::offer_collections(catalog, std::make_shared<OfferedCollections>(sources));
  if (sources.models) mcp::offer_models(catalog, std::make_shared<OfferedModels>(sources));
}

}  // namespace ondol::server
