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
#include "retrieve/document_reader.h"
#include "retrieve/document_store.h"

namespace ondol::server {

/// The embedding model of a store (DocumentStore::embedder_source), for any thread; null: it is not here, and words
/// alone count.
using EmbedderOf = std::function<Result<std::shared_ptr<TextEmbedder>>(const std::string& source)>;

/// The model that reads the best again of a store that keeps this one (DocumentStore::kept_reranker), for any thread;
/// null: it is not here, and the order stays as found.
using RerankerOf = std::function<Result<std::shared_ptr<Reranker>>(const std::string& source)>;

class CollectionDocuments {
 public:
  /// `place`: of a document store, which is made by who needs it first.
  CollectionDocuments(std::string place, EmbedderOf embedder_of, RerankerOf reranker_of = {})
      : place_(std::move(place)), embedder_of_(std::move(embedder_of)), reranker_of_(std::move(reranker_of)) {}

  Result<void> put(const std::string& path, const Document& document, const ChunkerOptions& chunks);
  /// Makes the vectors that are missing, while others search and change.
  Result<void> embed(TextEmbedder& embedder, const GoesOn& goes_on);
  /// Finds out what the reranker is worth here, where that is not known; `embedder` may be null.
  Result<void> weigh(Reranker& reranker, TextEmbedder* embedder, const GoesOn& goes_on);
  Result<void> remove(const std::string& path);
  Result<std::vector<DocumentRecord>> list();

  struct Piece {
    Hit hit;
    double score = 0;  // from 0 to 1: how near the best comes, and how far the others are behind it
  };
  struct Wish {
    std::vector<std::string> queries;
    size_t n = 10;
    std::optional<double> meaning_share;                     // nothing: as is usual
    std::function<bool(const std::string& path)> is_wanted;  // of documents
    bool reranks = true;                                     // where that helps here
  };
  /// The best n for any of the queries.
  Result<std::vector<Piece>> search(const Wish& wish);

  Result<Answer> answer(const std::string& question, std::span<const AnsweredQuestion> history,
                        TextGenerator* generator, const ClaimSink& sink);

 private:
  Result<DocumentStore*> opened();
  Result<std::shared_ptr<TextEmbedder>> embedder();
  Result<std::shared_ptr<Reranker>> reranker();
  Result<std::vector<Piece>> search_one(DocumentStore& store, const std::string& query, const Wish& wish,
                                        SearchOptions options);

  const std::string place_;
  const EmbedderOf embedder_of_;
  const RerankerOf reranker_of_;
  std::mutex mutex_;
  std::optional<DocumentStore> store_;
};

}  // namespace ondol::server
