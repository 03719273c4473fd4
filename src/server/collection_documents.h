// CollectionDocuments: the texts of a collection, from any thread: one at a time changes or searches them, and who
// answers questions has a view of his own, so that a model that thinks holds up nobody.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "retrieve/answer/answerer.h"
#include "retrieve/document_store.h"

namespace ondol::server {

/// Opens the embedding model of a store (DocumentStore::embedder_source).
using OpenEmbedder = std::function<Result<std::unique_ptr<TextEmbedder>>(const std::string& source)>;

class CollectionDocuments {
 public:
  /// `place`: of a document store, which is made by who needs it first. Without `open_embedder`, words alone count.
  CollectionDocuments(std::string place, OpenEmbedder open_embedder);

  /// Puts a document in the place of what was there, if `is_wanted`, which is asked while nobody else can change it.
  Result<void> put(const std::string& path, const Document& document, const std::function<bool()>& is_wanted);
  Result<void> remove(const std::string& path);
  Result<std::vector<DocumentRecord>> list();

  struct Piece {
    Hit hit;
    double score = 0;  // from 0 to 1: how near the best comes, and how far the others are behind it
  };
  /// The best n for any of the queries, of documents that are wanted.
  Result<std::vector<Piece>> search(std::span<const std::string> queries, size_t n,
                                    const std::function<bool(const std::string& path)>& is_wanted);

  Result<Answer> answer(const std::string& question, std::span<const AnsweredQuestion> history,
                        TextGenerator* generator, const ClaimSink& sink);

 private:
  Result<DocumentStore*> opened();
  /// The store's; null: it has none.
  Result<std::shared_ptr<TextEmbedder>> embedder(DocumentStore& store);
  Result<std::vector<Piece>> search_one(DocumentStore& store, const std::string& query, size_t n,
                                        const std::function<bool(const std::string& path)>& is_wanted);

  const std::string place_;
  const OpenEmbedder open_embedder_;
  std::mutex mutex_;
  std::optional<DocumentStore> store_;
  std::mutex embedder_mutex_;
  std::shared_ptr<TextEmbedder> embedder_;
};

}  // namespace ondol::server
