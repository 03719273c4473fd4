// Vectors in a store: kept, forgotten, searched and put together with words.
#include "retrieve/embedding.h"

#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "retrieve/plain_text.h"

namespace ondol {
namespace {

std::vector<float> direction(uint64_t seed, int width) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(width));
  double squares = 0;
  for (float& value : values) {
    value = static_cast<float>(random.uniform() - 0.5);
    squares += value * value;
  }
  for (float& value : values) value /= static_cast<float>(std::sqrt(squares));
  return values;
}

/// A text's direction is that of its first word, so "dog" and "dog food" mean the same.
class FirstWord final : public TextEmbedder {
 public:
  explicit FirstWord(std::string name = "first word", int width = 40) : name_(std::move(name)), width_(width) {}
  std::string name() const override { return name_; }
  std::string source() const override { return "/models/" + name_; }
  int width() const override { return width_; }
  Result<std::vector<Parts>> embed_documents(std::span<const std::string> texts) override {
    std::vector<Parts> all;
    for (const std::string& text : texts) {
      n_texts += 1;
      Parts parts;
      for (size_t start = 0; start < text.size();
           start = text.find('/', start) == text.npos ? text.size() : text.find('/', start) + 1) {
        parts.push_back(of(text.substr(start)));
      }
      all.push_back(parts);
    }
    return all;
  }
  Result<std::vector<float>> embed_question(const std::string& text) override { return of(text); }

  int n_texts = 0;

 private:
  std::vector<float> of(const std::string& text) const {
    return direction(std::hash<std::string>()(text.substr(0, text.find(' '))), width_);
  }
  std::string name_;
  int width_;
};

void put(DocumentStore& store, const std::string& path, const std::string& text) {
  DocumentRecord record;
  record.path = path;
  ASSERT_TRUE(store.put(record, read_plain_text(text)));
  ASSERT_TRUE(store.commit());
}

std::vector<std::string> found(DocumentStore& store, const std::string& question, TextEmbedder* embedder,
                               double share = kMeaningShare) {
  SearchOptions options;
  if (embedder != nullptr) options.meaning = embedder->embed_question(question).value();
  options.meaning_share = share;
  options.n = 2;
  std::vector<std::string> paths;
  const std::vector<Hit> hits = store.search(question, options).value();
  for (const Hit& hit : hits) paths.push_back(hit.path);
  return paths;
}

using Names = std::vector<std::string>;

TEST(Meaning, FindsWhatHasNoneOfTheWords) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  put(store, "a", "dog");
  put(store, "b", "feeding times of cats");
  put(store, "c", "bird songs/dog in its second part");
  FirstWord embedder;
  EXPECT_EQ(embed_pending(store, embedder).value(), 3);
  EXPECT_EQ(store.embedder_source().value(), "/models/first word");
  EXPECT_EQ(found(store, "dog feeding", &embedder, 1), (Names{"a", "c"})) << "by the nearest part";
  EXPECT_EQ(found(store, "dog feeding", &embedder, 0).front(), "a");
  EXPECT_EQ(found(store, "feeding", nullptr), (Names{"b"}));
  EXPECT_EQ(found(store, "feeding", &embedder).front(), "b");
}

TEST(Meaning, OnlyWhatChangedIsEmbeddedAgain) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  for (int i = 0; i < 200; ++i) put(store, fmt::format("{}", i), fmt::format("word{} text", i));
  FirstWord embedder;
  ASSERT_TRUE(embed_pending(store, embedder));
  EXPECT_EQ(embedder.n_texts, 200);
  put(store, "7", "other text");
  put(store, "8", "word8 text");
  EXPECT_EQ(store.n_without_vectors().value(), 1);
  EXPECT_EQ(embed_pending(store, embedder).value(), 1);
  EXPECT_EQ(found(store, "other", &embedder, 1).front(), "7");
  EXPECT_EQ(found(store, "word7", &embedder, 1).front() == "7", false);
}

TEST(Meaning, VectorsOfTwoModelsNeverMeet) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  put(store, "a", "dog");
  put(store, "b", "cat");
  FirstWord first, second("second", 64);
  ASSERT_TRUE(embed_pending(store, first));
  EXPECT_EQ(embed_pending(store, second).value(), 2);
  EXPECT_EQ(found(store, "cat", &second, 1).front(), "b");
  SearchOptions options;
  options.meaning = first.embed_question("cat").value();
  EXPECT_FALSE(store.search("cat", options));
}

TEST(Meaning, StoppingKeepsWhatIsDone) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  for (int i = 0; i < 200; ++i) put(store, fmt::format("{}", i), fmt::format("word{} text", i));
  FirstWord embedder;
  const int64_t n_done = embed_pending(store, embedder, [](int64_t done, int64_t) { return done < 100; }).value();
  EXPECT_GT(n_done, 0);
  EXPECT_EQ(store.n_without_vectors().value(), 200 - n_done);
  EXPECT_EQ(embed_pending(store, embedder).value(), 200 - n_done);
}

/// The order by rounded vectors is that of the exact ones, where these are apart.
TEST(Meaning, RoundingKeepsTheNearest) {
  Database database = Database::open(":memory:").value();
  ASSERT_TRUE(
      database.execute("CREATE TABLE vector (chunk INTEGER, part INTEGER, data BLOB, PRIMARY KEY (chunk, part)); "
                       "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT)"));
  VectorIndex index = VectorIndex::open(database).value();
  constexpr int kWidth = 384;
  ASSERT_TRUE(index.set_model("m", "m", kWidth));
  std::vector<std::vector<float>> vectors;
  for (int i = 0; i < 500; ++i) {
    vectors.push_back(direction(static_cast<uint64_t>(i), kWidth));
    ASSERT_TRUE(index.put(i, std::span(&vectors.back(), 1)));
  }
  const std::vector<float> question = direction(1000, kWidth);
  const auto nearness = index.nearness(question).value();
  ASSERT_EQ(nearness.size(), 500u);
  for (size_t i = 0; i < 500; ++i) {
    double exact = 0;
    for (size_t k = 0; k < kWidth; ++k) exact += static_cast<double>(vectors[i][k]) * question[k];
    EXPECT_EQ(nearness[i].chunk, static_cast<int64_t>(i));
    EXPECT_NEAR(nearness[i].cosine, exact, 0.003);
  }
}

TEST(Fusion, SharesOfTheBestAreAdded) {
  const ScoredChunk words[] = {{1, 10}, {2, 5}};
  const VectorIndex::Nearness meaning[] = {{2, 0.8f}, {3, 0.4f}};
  const auto fused = fuse(words, meaning, 0.5, 10);
  ASSERT_EQ(fused.size(), 3u);
  EXPECT_EQ(fused[0].chunk, 2);
  EXPECT_FLOAT_EQ(fused[0].score, 0.75f);
  EXPECT_EQ(fused[1].chunk, 1);
  EXPECT_FLOAT_EQ(fused[1].score, 0.5f);
  EXPECT_EQ(fused[2].chunk, 3);
  EXPECT_FLOAT_EQ(fused[2].score, 0.25f);
  EXPECT_TRUE(fuse({}, {}, 0.5, 10).empty());
}

}  // namespace
}  // namespace ondol
