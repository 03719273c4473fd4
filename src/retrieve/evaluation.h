// Evaluation: how well a store finds what people judged to be right. Collections lie in BEIR's layout (Thakur et al.,
// 2021): corpus.jsonl (_id, title, text), queries.jsonl (_id, text), qrels.tsv (query-id, corpus-id, score).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "retrieve/document_store.h"

namespace ondol {

struct RetrievalCollection {
  struct Text {
    std::string id;
    std::string title;
    std::string text;
  };
  std::vector<Text> corpus;
  std::vector<Text> queries;
  std::map<std::string, std::map<std::string, int>> judgements;  // query, document, how relevant; above 0 only

  /// Errors name file and line.
  static Result<RetrievalCollection> read(const std::string& corpus, const std::string& queries,
                                          const std::string& qrels);
};

/// Means over the queries that have judgements.
struct RetrievalScores {
  int64_t n_queries = 0;
  double ndcg_10 = 0;  // gains as judged, discounted by log2(rank + 1)
  double recall_10 = 0;
  double recall_100 = 0;
  double mrr_10 = 0;
  double seconds = 0;  // of all searches

  double queries_per_second() const { return seconds > 0 ? static_cast<double>(n_queries) / seconds : 0; }
};

/// Ids of documents for a query, the best first, 100 at most.
using Retriever = std::function<Result<std::vector<std::string>>(const std::string& query)>;

Result<RetrievalScores> evaluate(const RetrievalCollection& collection, const Retriever& retriever);

/// A store of the corpus, in memory or a file; paths are ids.
Result<void> index_corpus(const RetrievalCollection& collection, DocumentStore& store);
/// Documents by their best pieces; with an embedder, meaning counts too.
Retriever retriever(DocumentStore& store, const SearchOptions& options, TextEmbedder* embedder = nullptr);

}  // namespace ondol
