// ondol eval: measures with questions whose answers are known.
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/eval_bfcl.h"
#include "cli/open_embedder.h"
#include "cli/open_reranker.h"
#include "retrieve/evaluation.h"

namespace ondol::cli {
namespace {

struct RetrievalOptions {
  std::string corpus;
  std::string queries;
  std::string qrels;
  std::string store = ":memory:";
  std::string embedder;
  std::optional<double> meaning_share;
  std::string reranker;
  std::optional<double> rerank_share;
  bool json = false;
};

json::object as_json(const RetrievalScores& scores) {
  json::object object;
  object["ndcg@10"] = scores.ndcg_10;
  object["recall@10"] = scores.recall_10;
  object["recall@100"] = scores.recall_100;
  object["mrr@10"] = scores.mrr_10;
  object["queries"] = scores.n_queries;
  object["queries_per_second"] = scores.queries_per_second();
  return object;
}

Result<void> eval_retrieval(const RetrievalOptions& options) {
  const auto collection = ONDOL_TRY(RetrievalCollection::read(options.corpus, options.queries, options.qrels));
  DocumentStore store = ONDOL_TRY(DocumentStore::open(options.store));
  ONDOL_TRY(index_corpus(collection, store));
  std::unique_ptr<TextEmbedder> embedder;
  if (!options.embedder.empty()) {
    embedder = ONDOL_TRY(open_embedder(options.embedder));
    ONDOL_TRY(embed_with_progress(store, *embedder));
  }
  SearchOptions search;
  search.meaning_share = options.meaning_share;
  search.rerank_share = options.rerank_share;
  std::unique_ptr<Reranker> reranker;
  if (!options.reranker.empty()) {
    reranker = ONDOL_TRY(open_reranker(options.reranker));
    if (!options.rerank_share) ONDOL_TRY(weigh_reranker(store, *reranker, embedder.get()));
    search.reranker = reranker.get();
  }
  const RetrievalScores scores = ONDOL_TRY(evaluate(collection, retriever(store, search, embedder.get())));
  if (options.json) {
    fmt::print("{}\n", json_text(as_json(scores)));
    return {};
  }
  fmt::print("{} queries: nDCG@10 {:.4f}, recall@10 {:.4f}, recall@100 {:.4f}, MRR@10 {:.4f}, {:.0f} queries/s\n",
             scores.n_queries, scores.ndcg_10, scores.recall_10, scores.recall_100, scores.mrr_10,
             scores.queries_per_second());
  return {};
}

}  // namespace

void add_eval(CLI::App& app, const Globals&) {
  CLI::App* eval = app.add_subcommand("eval", "Measure Ondol against questions with known answers");
  eval->require_subcommand(1);
  auto options = std::make_shared<RetrievalOptions>();
  CLI::App* command =
      add_command(*eval, "retrieval", "How well documents are found: a collection in BEIR's layout",
                  "  ondol eval retrieval --corpus corpus.jsonl --queries queries.jsonl --qrels qrels.tsv\n",
                  [options] { return eval_retrieval(*options); });
  command->add_option("--corpus", options->corpus, "Documents: JSON Lines of _id, title and text")->required();
  command->add_option("--queries", options->queries, "Questions: JSON Lines of _id and text")->required();
  command->add_option("--qrels", options->qrels, "Judgements: lines of query, document and relevance")->required();
  command->add_option("--store", options->store, "A file that keeps the index and its vectors for the next time");
  command->add_option("--embed", options->embedder, "An embedding model, so that meaning counts too");
  command
      ->add_option("--meaning-share", options->meaning_share,
                   "How much meaning counts beside words; without it, as is measured for the collection")
      ->check(CLI::Range(0.0, 1.0));
  CLI::Option* reranker = command->add_option("--rerank", options->reranker,
                                              "A cross-encoder, or an embedding model, that reads the best again");
  command
      ->add_option("--rerank-share", options->rerank_share,
                   "How much that counts beside the order as found; without it, as is measured for the collection")
      ->needs(reranker)
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--json", options->json, "One JSON document");
  add_eval_bfcl(*eval);
}

}  // namespace ondol::cli
