// How well collections with judgements are searched, and that measures are what they are called.
#include "retrieve/evaluation.h"

#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ondol {
namespace {

RetrievalCollection shared_collection(const std::string& name) {
  const std::string folder = std::string(ONDOL_SHARED_DATA) + "/retrieval/" + name + "/";
  return RetrievalCollection::read(folder + "corpus.jsonl", folder + "queries.jsonl", folder + "qrels.tsv").value();
}

bool has_shared_data() {
  return std::filesystem::exists(std::string(ONDOL_SHARED_DATA) + "/retrieval");
}

RetrievalScores scores_of(const RetrievalCollection& collection) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  EXPECT_TRUE(index_corpus(collection, store));
  return evaluate(collection, retriever(store, {})).value();
}

TEST(Evaluation, WordsFindWhatPeopleJudgedToBeRight) {
  if (!has_shared_data()) GTEST_SKIP() << "the collections are not there: " << ONDOL_SHARED_DATA;
  const std::pair<const char*, double> kLeast[] = {{"cran", 0.38}, {"cisi", 0.32}, {"med", 0.71}};
  for (const auto& [name, least] : kLeast) {
    const RetrievalScores scores = scores_of(shared_collection(name));
    fmt::print("{}: nDCG@10 {:.4f}, recall@100 {:.4f}, {:.0f} queries/s\n", name, scores.ndcg_10, scores.recall_100,
               scores.queries_per_second());
    EXPECT_GE(scores.ndcg_10, least) << name;
  }
}

TEST(Evaluation, PairsOfSyllablesFindKoreanPassages) {
  if (!has_shared_data()) GTEST_SKIP() << "the collections are not there: " << ONDOL_SHARED_DATA;
  RetrievalCollection collection = shared_collection("korquad-dev");
  const RetrievalScores all = scores_of(collection);
  collection.queries.resize(1500);
  const RetrievalScores first = scores_of(collection);
  fmt::print("korquad: nDCG@10 {:.4f} of all questions, {:.4f} of the first 1500, {:.0f} queries/s\n", all.ndcg_10,
             first.ndcg_10, all.queries_per_second());
  EXPECT_GE(first.ndcg_10, 0.98);
  EXPECT_GE(all.ndcg_10, 0.955);
}

}  // namespace
}  // namespace ondol
