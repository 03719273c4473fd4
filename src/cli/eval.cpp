// ondol eval: measures with questions whose answers are known.
#include <memory>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "retrieve/evaluation.h"

namespace ondol::cli {
namespace {

struct RetrievalOptions {
  std::string corpus;
  std::string queries;
  std::string qrels;
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
  DocumentStore store = ONDOL_TRY(DocumentStore::open(":memory:"));
  ONDOL_TRY(index_corpus(collection, store));
  const RetrievalScores scores = ONDOL_TRY(evaluate(collection, lexical_retriever(store, {})));
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
  command->add_flag("--json", options->json, "One JSON document");
}

}  // namespace ondol::cli
