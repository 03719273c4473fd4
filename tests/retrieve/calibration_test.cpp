// The share of meaning is found out from a collection itself.
#include "retrieve/calibration.h"

#include <cmath>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "retrieve/plain_text.h"

namespace ondol {
namespace {

/// Directions by subject, for an embedder that understands (every text names its subject's number in other words), or
/// by chance, for one that does not.
class Subjects final : public TextEmbedder {
 public:
  explicit Subjects(bool understands) : understands_(understands) {}
  std::string name() const override { return understands_ ? "a wise one" : "a foolish one"; }
  std::string source() const override { return "/models/x"; }
  int width() const override { return 32; }
  Result<std::vector<Parts>> embed_documents(std::span<const std::string> texts) override {
    std::vector<Parts> all;
    for (const std::string& text : texts) all.push_back({of(text)});
    return all;
  }
  Result<std::vector<float>> embed_question(const std::string& text) override { return of(text); }

 private:
  std::vector<float> of(const std::string& text) const {
    const size_t place = text.find("subject-");
    const uint64_t seed =
        understands_ ? std::strtoull(text.c_str() + place + 8, nullptr, 10) : std::hash<std::string>()(text);
    Random random(seed + 1);
    std::vector<float> values(32);
    double squares = 0;
    for (float& value : values) {
      value = static_cast<float>(random.uniform() - 0.5);
      squares += value * value;
    }
    for (float& value : values) value /= static_cast<float>(std::sqrt(squares));
    return values;
  }
  bool understands_;
};

/// `telling`: sentences of a text share rare words; else only what stands in all texts.
DocumentStore collection(TextEmbedder& embedder, bool telling, int n = 60) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  for (int i = 0; i < n; ++i) {
    const std::string word = telling ? fmt::format("zorb{} quax{}", i, i) : std::string("common words");
    std::string text;
    for (int k = 0; k < 4; ++k) {
      text += fmt::format("This is about {} and so on, said of subject-{} here{}{}. ", word, i, telling ? "" : "x", k);
    }
    DocumentRecord record;
    record.path = fmt::format("{}", i);
    EXPECT_TRUE(store.put(record, read_plain_text(text)));
  }
  EXPECT_TRUE(store.set_embedder(embedder));
  const std::vector<DocumentStore::ChunkText> chunks = store.without_vectors(0, 1000).value();
  for (const auto& chunk : chunks) {
    EXPECT_TRUE(store.put_vectors(chunk.chunk, embedder.embed_documents(std::span(&chunk.text, 1)).value()[0]));
  }
  EXPECT_TRUE(store.commit());
  return store;
}

TEST(Calibration, AnEmbedderThatKnowsNothingHasNoSay) {
  Subjects foolish(false);
  DocumentStore store = collection(foolish, true);
  const Calibration result = calibrate(store, foolish).value();
  EXPECT_GE(result.n_questions, 50);
  EXPECT_GT(result.mrr_words, 0.9);
  EXPECT_LT(result.mrr_meaning, 0.3);
  EXPECT_LE(result.meaning_share, 0.6);
  EXPECT_GE(result.mrr, result.mrr_words - 0.05);
}

TEST(Calibration, IsKeptUntilTheStoreHasGrown) {
  Subjects wise(true);
  DocumentStore store = collection(wise, false);
  EXPECT_FALSE(store.measured_share().value());
  EXPECT_TRUE(calibrate_if_grown(store, wise).value());
  const auto known = store.measured_share().value();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->embedder, "a wise one");
  EXPECT_EQ(known->n_chunks, store.stats().value().n_chunks);
  EXPECT_GE(known->meaning_share, 0.5);
  EXPECT_FALSE(calibrate_if_grown(store, wise).value());
  Subjects foolish(false);
  EXPECT_TRUE(calibrate_if_grown(store, foolish).value()) << "another embedder";
  ASSERT_TRUE(store.set_measured_share({0.3, 20, "a foolish one"}));
  EXPECT_TRUE(calibrate_if_grown(store, foolish).value()) << "three times as many pieces";
}

TEST(Calibration, TooFewPiecesTellNothing) {
  Subjects wise(true);
  DocumentStore store = collection(wise, false, 5);
  EXPECT_EQ(calibrate(store, wise).value().meaning_share, kMeaningShare);
  EXPECT_FALSE(calibrate_if_grown(store, wise).value());
}

}  // namespace
}  // namespace ondol
