// Questions that documents are not about are declined by the search alone; others mostly are not.
#include "retrieve/answer/confidence.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "retrieve/answer/answerer.h"
#include "retrieve/evaluation.h"

namespace ondol {
namespace {

std::string shared(const std::string& collection, const std::string& file) {
  return fmt::format("{}/retrieval/{}/{}", ONDOL_SHARED_DATA, collection, file);
}

Result<RetrievalCollection> read(const std::string& name) {
  return RetrievalCollection::read(shared(name, "corpus.jsonl"), shared(name, "queries.jsonl"),
                                   shared(name, "qrels.tsv"));
}

bool declines(DocumentStore& store, const std::string& question) {
  Answerer answerer(store, nullptr, nullptr);
  return answerer.answer(question).value().declined;
}

/// One of two parts, the same on every machine.
bool is_in_second_half(const std::string& text) {
  return (hash_bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()}).low & 1) != 0;
}

struct Rate {
  int n = 0;
  int n_declined = 0;
  void add(bool declined) {
    ++n;
    n_declined += declined ? 1 : 0;
  }
  double share() const { return n > 0 ? static_cast<double>(n_declined) / n : 0; }
};

/// Half of the articles are there; questions come from all of them.
TEST(Abstention, KoreanQuestionsAboutArticlesThatAreNotThere) {
  const auto collection = read("korquad-dev");
  if (!collection) GTEST_SKIP() << "no shared data: " << collection.error().message();
  RetrievalCollection kept = *collection;
  std::set<std::string> articles;
  std::erase_if(kept.corpus, [](const auto& text) { return is_in_second_half(text.title); });
  std::set<std::string> ids;
  for (const auto& text : kept.corpus) ids.insert(text.id);
  DocumentStore store = DocumentStore::open(":memory:").value();
  ASSERT_TRUE(index_corpus(kept, store));
  Rate with_answer[2], without_answer[2];
  for (size_t i = 0; i < collection->queries.size(); i += 4) {
    const auto& query = collection->queries[i];
    const std::string& document = collection->judgements.at(query.id).begin()->first;
    const size_t half = is_in_second_half(query.text) ? 1 : 0;
    (ids.contains(document) ? with_answer : without_answer)[half].add(declines(store, query.text));
  }
  for (int half = 0; half < 2; ++half) {
    fmt::print("korquad half {}: of {} without an answer {:.3f} declined, of {} with one {:.3f}\n", half,
               without_answer[half].n, without_answer[half].share(), with_answer[half].n, with_answer[half].share());
  }
  EXPECT_GE(without_answer[1].share(), 0.9);
  EXPECT_LE(with_answer[1].share(), 0.06);
}

/// The questions of two collections are not answered by the third.
TEST(Abstention, EnglishQuestionsAboutOtherFields) {
  const std::string names[] = {"cran", "cisi", "med"};
  std::map<std::string, RetrievalCollection> collections;
  for (const std::string& name : names) {
    auto collection = read(name);
    if (!collection) GTEST_SKIP() << "no shared data: " << collection.error().message();
    collections.emplace(name, *std::move(collection));
  }
  for (const std::string& name : names) {
    DocumentStore store = DocumentStore::open(":memory:").value();
    ASSERT_TRUE(index_corpus(collections.at(name), store));
    Rate with_answer[2], without_answer[2];
    for (const auto& [other, collection] : collections) {
      for (const auto& query : collection.queries) {
        if (!collection.judgements.contains(query.id)) continue;
        const size_t half = is_in_second_half(query.text) ? 1 : 0;
        (other == name ? with_answer : without_answer)[half].add(declines(store, query.text));
      }
    }
    for (int half = 0; half < 2; ++half) {
      fmt::print("{} half {}: of {} without an answer {:.3f} declined, of {} with one {:.3f}\n", name, half,
                 without_answer[half].n, without_answer[half].share(), with_answer[half].n, with_answer[half].share());
    }
    EXPECT_GE(without_answer[1].share(), 0.9) << name;
    EXPECT_LE(with_answer[1].share(), 0.25) << name;
  }
}

}  // namespace
}  // namespace ondol
