// The best of what was found are read again, where that was measured to help.
#include "retrieve/reranking.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "retrieve/plain_text.h"
#include "retrieve/rerank_calibration.h"

namespace ondol {
namespace {

/// Knows which subject a text is about ("subject-7"), or thinks that it does.
class Reader final : public Reranker {
 public:
  explicit Reader(bool understands, std::string name = "reader") : understands_(understands), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  std::string source() const override { return "/models/" + name_; }
  Result<std::vector<float>> scores(const std::string& question, std::span<const std::string> texts) override {
    ++n_asked;
    n_texts = texts.size();
    std::vector<float> scores;
    for (const std::string& text : texts) {
      const bool is_same = subject_of(text) == (favourite.empty() ? subject_of(question) : favourite);
      scores.push_back(understands_ ? (is_same ? 1.0f : 0.0f)
                                    : static_cast<float>(std::hash<std::string>()(text + question) % 1000));
    }
    return scores;
  }

  double most_share() const override { return most; }

  double most = 1;
  std::string favourite;  // subject, whatever is asked
  int n_asked = 0;
  size_t n_texts = 0;

 private:
  static std::string subject_of(const std::string& text) {
    const size_t place = text.find("subject-");
    return place == text.npos ? "" : text.substr(place, text.find(' ', place) - place);
  }
  bool understands_;
  std::string name_;
};

/// Texts of the same words in groups, each of which has a word of its own. Every second word of an invented question is
/// searched for, and subjects are not among these: words lead to a group and no further.
DocumentStore collection(int group = 6, int n = 60) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  for (int i = 0; i < n; ++i) {
    std::string text;
    for (int k = 0; k < 4; ++k) {
      text += fmt::format("This number zorb{} is all about common words and so on, said of subject-{} here too. ",
                          i / group, i);
    }
    DocumentRecord record;
    record.path = fmt::format("{:02}", i);
    EXPECT_TRUE(store.put(record, read_plain_text(text)));
  }
  EXPECT_TRUE(store.commit());
  return store;
}

std::vector<std::string> paths_of(const std::vector<Hit>& hits) {
  std::vector<std::string> paths;
  for (const Hit& hit : hits) paths.push_back(hit.path);
  return paths;
}

TEST(Reranking, MixesSharesOfTheWay) {
  const std::vector<float> found = {10, 8, 6}, reranked = {-3, 1, -1};
  EXPECT_EQ(mixed_scores(found, reranked, 0), found);
  EXPECT_EQ(mixed_scores(found, reranked, 1), (std::vector<float>{6, 10, 8}));
  EXPECT_EQ(mixed_scores(found, reranked, 0.5), (std::vector<float>{8, 9, 7}));
  EXPECT_EQ(mixed_scores(found, std::vector<float>{2, 2, 2}, 1), found) << "says nothing";
  EXPECT_EQ(mixed_scores(found, std::vector<float>{2, NAN, 1}, 1), found) << "is broken";
  EXPECT_TRUE(mixed_scores({}, {}, 1).empty());
}

TEST(Reranking, TheBestAreReadAgainAndTheOthersStayBehind) {
  DocumentStore store = collection();
  Reader reader(true);
  SearchOptions options;
  options.n = 40;
  const std::string question = "what is said of common words";
  const std::vector<Hit> plain = store.search(question, options).value();
  ASSERT_EQ(plain.size(), 40u);
  const std::string wanted = plain[20].path;
  reader.favourite = fmt::format("subject-{}", std::stoi(wanted));
  options.reranker = &reader;
  EXPECT_EQ(paths_of(store.search(question, options).value()), paths_of(plain)) << "no share is known";
  EXPECT_EQ(reader.n_asked, 0);
  options.rerank_share = 1.0;
  const std::vector<Hit> again = store.search(question, options).value();
  EXPECT_EQ(reader.n_texts, kRerankedHits);
  ASSERT_EQ(again.size(), plain.size());
  EXPECT_EQ(again[0].path, wanted);
  for (size_t i = kRerankedHits; i < again.size(); ++i) EXPECT_EQ(again[i].path, plain[i].path);
  EXPECT_TRUE(std::is_sorted(again.begin(), again.end(), [](auto& a, auto& b) { return a.score > b.score; }));
  options.n = 3;
  EXPECT_EQ(store.search(question, options).value().size(), 3u);
  EXPECT_EQ(reader.n_texts, kRerankedHits) << "also where fewer are wanted";
  EXPECT_TRUE(store.search("nothing-that-stands-there", options).value().empty());
}

TEST(Reranking, IsKeptWhereItHelps) {
  DocumentStore store = collection();
  EXPECT_FALSE(store.kept_reranker().value());
  EXPECT_TRUE(wants_rerank_calibration(store).value());
  Reader wise(true, "a wise one");
  const RerankCalibration found = calibrate_and_keep(store, wise, nullptr).value();
  EXPECT_TRUE(found.tells);
  EXPECT_GE(found.n_questions, 50);
  EXPECT_GT(found.share, 0);
  EXPECT_GT(found.mrr_reranked, found.mrr + 0.02);
  const auto kept = store.kept_reranker().value();
  ASSERT_TRUE(kept);
  EXPECT_NEAR(kept->share, found.share, 0.005);
  EXPECT_EQ(kept->name, "a wise one");
  EXPECT_EQ(kept->source, "/models/a wise one");
  EXPECT_EQ(kept->n_chunks, store.stats().value().n_chunks);
  EXPECT_FALSE(wants_rerank_calibration(store, "a wise one").value());
  EXPECT_TRUE(wants_rerank_calibration(store, "another").value());
  SearchOptions options;
  options.reranker = &wise;
  const int before = wise.n_asked;
  ASSERT_TRUE(store.search("subject-3 common words", options));
  EXPECT_EQ(wise.n_asked, before + 1);
  Reader other(true, "another");
  options.reranker = &other;
  ASSERT_TRUE(store.search("subject-3 common words", options));
  EXPECT_EQ(other.n_asked, 0) << "another one's share is not known";
  ASSERT_TRUE(store.keep_reranker({0.5, 20, "a wise one", "/models/x"}));
  EXPECT_TRUE(wants_rerank_calibration(store, "a wise one").value()) << "three times as many pieces";
  ASSERT_TRUE(store.forget_reranker());
  ASSERT_TRUE(store.commit());
  EXPECT_FALSE(store.kept_reranker().value());
}

TEST(Reranking, CountsAtMostAsMuchAsItMay) {
  DocumentStore store = collection();
  Reader wise(true);
  EXPECT_GT(calibrate_reranker(store, wise, nullptr).value().share, 0);
  for (const double most : {0.0, 0.1, 0.2}) {
    wise.most = most;
    EXPECT_LE(calibrate_reranker(store, wise, nullptr).value().share, most);
  }
}

TEST(Reranking, IsLeftOutWhereItDoesNot) {
  DocumentStore store = collection(1);
  Reader foolish(false);
  const RerankCalibration found = calibrate_and_keep(store, foolish, nullptr).value();
  EXPECT_TRUE(found.tells);
  EXPECT_EQ(found.share, 0);
  ASSERT_TRUE(store.kept_reranker().value()) << "what was found out is known";
  SearchOptions options;
  options.reranker = &foolish;
  const int before = foolish.n_asked;
  ASSERT_TRUE(store.search("common words", options));
  EXPECT_EQ(foolish.n_asked, before);
}

TEST(Reranking, TooFewPiecesOrAStopTellNothing) {
  DocumentStore few = collection(6, 5);
  Reader wise(true);
  const RerankCalibration little = calibrate_and_keep(few, wise, nullptr).value();
  EXPECT_FALSE(little.tells);
  EXPECT_EQ(few.kept_reranker().value()->share, 0);
  DocumentStore store = collection();
  const auto stop = [](int64_t done, int64_t) { return done < 30; };
  EXPECT_TRUE(calibrate_and_keep(store, wise, nullptr, stop).value().was_stopped);
  EXPECT_FALSE(store.kept_reranker().value());
}

}  // namespace
}  // namespace ondol
