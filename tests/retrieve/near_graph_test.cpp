// The graph of vectors: it finds the nearest, stays in the store, and follows what comes and goes.
#include "retrieve/near_graph.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "retrieve/near_graph_table.h"
#include "retrieve/vector_index.h"
#include "tests/formats/temporary_folder.h"
#include "tests/retrieve/clustered_vectors.h"

namespace ondol {
namespace {

constexpr int kVectors = 9000;
constexpr int kWidth = 64;
constexpr size_t kWalked = 700;  // more are looked at only without a graph
constexpr VectorIndex::Limits kExact = {.sign_codes = 1'000'000, .graph = 1'000'000};
constexpr VectorIndex::Limits kGraph = {.sign_codes = 1'000'000, .graph = 100};

class NearGraphTest : public TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    database_.emplace(Database::open(path("vectors.db")).value());
    ASSERT_TRUE(
        database_->execute("CREATE TABLE vector (chunk INTEGER, part INTEGER, data BLOB, PRIMARY KEY (chunk, part)); "
                           "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT)"));
    index_.emplace(open());
    ASSERT_TRUE(index_->set_model("m", "m", kWidth));
    add(0, kVectors);
  }

  VectorIndex open() {
    VectorIndex index = VectorIndex::open(*database_).value();
    index.set_limits(kGraph);
    return index;
  }

  /// Every eleventh chunk has two parts.
  void add(int64_t first, int n) {
    ASSERT_TRUE(database_->execute("BEGIN"));
    for (int64_t chunk = first; chunk < first + n; ++chunk) {
      std::vector<std::vector<float>> parts = {vectors_.next()};
      if (chunk % 11 == 0) parts.push_back(vectors_.next());
      ASSERT_TRUE(index_->put(chunk, parts));
    }
    ASSERT_TRUE(database_->execute("COMMIT"));
  }

  int64_t n_rows() { return database_->number("SELECT count(*) FROM vector").value(); }

  /// How much of the ten nearest is found, and whether by walking.
  double recall(VectorIndex& index, bool* is_walked = nullptr) {
    double found = 0;
    for (int i = 0; i < 30; ++i) {
      const std::vector<float> question = vectors_.next();
      index.set_limits(kExact);
      const std::set<int64_t> wanted = best(index.nearest(question, 10, {}).value());
      index.set_limits(kGraph);
      EXPECT_TRUE(index.nearest(question, 10, {}));  // the first question pays for nothing
      const auto near = index.nearest(question, 10, {}).value();
      if (is_walked != nullptr) *is_walked = near.size() < kWalked;
      for (const int64_t chunk : best(near)) found += wanted.contains(chunk) ? 1 : 0;
    }
    return found / 300;
  }

  static std::set<int64_t> best(std::vector<VectorIndex::Nearness> nearness) {
    std::sort(nearness.begin(), nearness.end(), [](const auto& a, const auto& b) { return a.cosine > b.cosine; });
    std::set<int64_t> chunks;
    for (size_t i = 0; i < std::min<size_t>(10, nearness.size()); ++i) chunks.insert(nearness[i].chunk);
    return chunks;
  }

  ClusteredVectors vectors_{kWidth, 150, 11};
  std::optional<Database> database_;
  std::optional<VectorIndex> index_;
};

TEST_F(NearGraphTest, FindsTheNearestAndStays) {
  bool is_walked = true;
  EXPECT_GE(recall(*index_, &is_walked), 0.99) << "without a graph by signs";
  EXPECT_FALSE(is_walked);
  EXPECT_EQ(index_->complete_graph().value(), n_rows());
  EXPECT_GE(recall(*index_, &is_walked), 0.95);
  EXPECT_TRUE(is_walked);
  VectorIndex later = open();
  EXPECT_EQ(later.complete_graph().value(), 0) << "nothing is to be done again";
  EXPECT_GE(recall(later, &is_walked), 0.95);
  EXPECT_TRUE(is_walked);
}

TEST_F(NearGraphTest, GoesOnWhereItWasStopped) {
  const int64_t done = index_->complete_graph([](int64_t n, int64_t) { return n < 3000; }).value();
  EXPECT_GE(done, 3000);
  EXPECT_LT(done, 4000);
  bool is_walked = true;
  EXPECT_GE(recall(*index_, &is_walked), 0.99) << "a graph that lacks much is not used";
  EXPECT_FALSE(is_walked);
  VectorIndex later = open();
  EXPECT_EQ(later.complete_graph().value(), n_rows() - done);
  EXPECT_GE(recall(later, &is_walked), 0.95);
  EXPECT_TRUE(is_walked);
}

TEST_F(NearGraphTest, FollowsWhatComesAndGoes) {
  ASSERT_TRUE(index_->complete_graph());
  ASSERT_TRUE(database_->execute("DELETE FROM vector WHERE chunk % 8 = 0"));
  add(kVectors, 100);
  VectorIndex later = open();
  bool is_walked = false;
  EXPECT_GE(recall(later, &is_walked), 0.95) << "an eighth is gone, and a few are not in it";
  EXPECT_TRUE(is_walked);
  EXPECT_EQ(later.complete_graph().value(), 0) << "which is not worth anything";
  add(2 * kVectors, 2500);
  VectorIndex grown = open();
  EXPECT_GE(grown.complete_graph().value(), 2600);
  EXPECT_GE(recall(grown, &is_walked), 0.95);
  EXPECT_TRUE(is_walked);
  ASSERT_TRUE(database_->execute("DELETE FROM vector WHERE chunk % 8 = 1"));
  VectorIndex shrunk = open();
  EXPECT_EQ(shrunk.complete_graph().value(), n_rows()) << "anew";
  EXPECT_GE(recall(shrunk, &is_walked), 0.95);
  EXPECT_TRUE(is_walked);
}

TEST_F(NearGraphTest, OneThatIsDamagedIsMadeAnew) {
  ASSERT_TRUE(index_->complete_graph());
  for (const char* damage : {"UPDATE near_graph SET data = x'00' WHERE block = 1", "DELETE FROM near_graph",
                             "UPDATE near_graph SET data = zeroblob(length(data)) WHERE block = 0"}) {
    ASSERT_TRUE(database_->execute(damage));
    VectorIndex later = open();
    bool is_walked = true;
    EXPECT_GE(recall(later, &is_walked), 0.99);
    EXPECT_FALSE(is_walked);
    EXPECT_GT(later.complete_graph().value(), 0);
  }
}

TEST_F(NearGraphTest, OfTwoThatMakeItOneIsKept) {
  Database other_database = Database::open(path("vectors.db")).value();
  VectorIndex other = VectorIndex::open(other_database).value();
  other.set_limits(kGraph);
  int64_t n_other = 0;
  const auto first_other = [&](int64_t, int64_t) {
    if (n_other == 0) n_other = other.complete_graph().value();
    return true;
  };
  ASSERT_TRUE(index_->complete_graph(first_other));
  EXPECT_EQ(n_other, n_rows());
  EXPECT_GE(recall(*index_), 0.95);
  EXPECT_GE(recall(other), 0.95);
}

TEST_F(NearGraphTest, DoesNotDependOnThreads) {
  const VectorRows rows = VectorRows::read(*database_).value();
  const auto made = [&](int n_threads) {
    ThreadPool pool(n_threads);
    NearGraph graph;
    std::vector<uint32_t> without = graph.bind(rows);
    without.resize(2500);
    for (size_t n = 0; n < without.size();) n += graph.add_batch(std::span(without).subspan(n), pool);
    EXPECT_TRUE(graph.check());
    return graph.block(0);
  };
  const std::vector<uint8_t> bytes = made(1);
  EXPECT_EQ(made(3), bytes);
  NearGraph read;
  ASSERT_TRUE(read.add_block(bytes));
  EXPECT_TRUE(read.check());
  EXPECT_EQ(read.block(0), bytes);
  EXPECT_FALSE(read.add_block(bytes)) << "the first was not full";
  for (const size_t n : {size_t{0}, size_t{7}, bytes.size() - 1}) {
    EXPECT_FALSE(NearGraph().add_block(std::span(bytes).first(n))) << n;
  }
}

TEST(RowProduct, IsTheProduct) {
  ClusteredVectors vectors(96, 3, 8);
  for (int i = 0; i < 50; ++i) {
    const std::vector<float> a = vectors.next(), b = vectors.next();
    double exact = 0;
    for (size_t k = 0; k < a.size(); ++k) exact += static_cast<double>(a[k]) * b[k];
    const std::vector<uint8_t> x = VectorRows::encoded(a), y = VectorRows::encoded(b);
    EXPECT_NEAR(plain_row_product(x.data(), y.data(), 3), exact, 0.005);
    EXPECT_NEAR(best_row_product()(x.data(), y.data(), 3), plain_row_product(x.data(), y.data(), 3), 1e-5);
  }
}

}  // namespace
}  // namespace ondol
