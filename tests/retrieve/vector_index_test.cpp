// Looking at one bit of each number first must find what multiplying all vectors finds.
#include "retrieve/vector_index.h"

#include <algorithm>
#include <array>
#include <set>

#include <gtest/gtest.h>

#include "tests/retrieve/clustered_vectors.h"

namespace ondol {
namespace {

constexpr char kTables[] =
    "CREATE TABLE vector (chunk INTEGER, part INTEGER, data BLOB, PRIMARY KEY (chunk, part)); "
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT)";

constexpr VectorIndex::Limits kAlwaysCodes = {.sign_codes = 1};

Database with_tables() {
  Database database = Database::open(":memory:").value();
  EXPECT_TRUE(database.execute(kTables));
  return database;
}

/// Chunks 0, 3, 6 ...; every seventh has two parts.
void fill(Database& database, VectorIndex& index, ClusteredVectors& vectors, int n, int width) {
  ASSERT_TRUE(index.set_model("m", "m", width));
  ASSERT_TRUE(database.execute("BEGIN"));
  for (int i = 0; i < n; ++i) {
    std::vector<std::vector<float>> parts = {vectors.next()};
    if (i % 7 == 0) parts.push_back(vectors.next());
    ASSERT_TRUE(index.put(3 * i, parts));
  }
  ASSERT_TRUE(database.execute("COMMIT"));
}

/// The numbers of the n nearest.
std::set<int64_t> best(std::vector<VectorIndex::Nearness> nearness, size_t n) {
  std::sort(nearness.begin(), nearness.end(), [](const auto& a, const auto& b) { return a.cosine > b.cosine; });
  std::set<int64_t> chunks;
  for (size_t i = 0; i < std::min(n, nearness.size()); ++i) chunks.insert(nearness[i].chunk);
  return chunks;
}

double recall(const std::set<int64_t>& wanted, const std::set<int64_t>& found) {
  double n = 0;
  for (const int64_t chunk : wanted) n += found.contains(chunk) ? 1 : 0;
  return n / static_cast<double>(wanted.size());
}

TEST(VectorIndex, ALookAtSignsFindsTheNearest) {
  Database database = with_tables();
  VectorIndex index = VectorIndex::open(database).value();
  ClusteredVectors vectors(100, 300, 5);  // a width that fills neither blocks nor words
  fill(database, index, vectors, 15'000, 100);
  double sum = 0;
  constexpr int kQuestions = 40;
  for (int i = 0; i < kQuestions; ++i) {
    const std::vector<float> question = vectors.next();
    index.set_limits({.sign_codes = 1'000'000});
    const auto exact = index.nearest(question, 10, {}).value();
    ASSERT_EQ(exact.size(), 15'000u);
    index.set_limits(kAlwaysCodes);
    if (i == 0) {
      ASSERT_EQ(index.nearest(question, 10, {}).value().size(), exact.size()) << "the first pays for nothing";
    }
    const std::array<int64_t, 3> also = {0, 2, 44'997};  // the first, none, the last
    const auto found = index.nearest(question, 10, also).value();
    ASSERT_LT(found.size(), 3000u);
    EXPECT_EQ(found.front().chunk, 0);
    EXPECT_EQ(found.back().chunk, 44'997);
    for (const auto& near : found) {
      EXPECT_FLOAT_EQ(near.cosine, exact[static_cast<size_t>(near.chunk / 3)].cosine) << near.chunk;
    }
    sum += recall(best(exact, 10), best(found, 10));
  }
  EXPECT_GE(sum / kQuestions, 0.99);
}

TEST(VectorIndex, WhatComesAndGoesIsSeen) {
  Database database = with_tables();
  VectorIndex index = VectorIndex::open(database).value();
  index.set_limits(kAlwaysCodes);
  ClusteredVectors vectors(64, 100, 9);
  fill(database, index, vectors, 9000, 64);
  const std::vector<float> question = vectors.next();
  const auto nearest = [&] { return *best(index.nearest(question, 1, {}).value(), 1).begin(); };
  nearest();
  const int64_t before = nearest();
  ASSERT_TRUE(index.put(1'000'000, std::span(&question, 1)));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(nearest(), 1'000'000) << i;
  ASSERT_TRUE(index.put(1'000'000, {}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(nearest(), before) << i;
  EXPECT_FALSE(index.nearest(std::vector<float>(63), 1, {}));
}

TEST(VectorIndex, AskingForMuchIsAnsweredWhole) {
  Database database = with_tables();
  VectorIndex index = VectorIndex::open(database).value();
  index.set_limits(kAlwaysCodes);
  ClusteredVectors vectors(32, 10, 1);
  fill(database, index, vectors, 2000, 32);
  const std::vector<float> question = vectors.next();
  for (const size_t n : {size_t{500}, size_t{3000}, ~size_t{0}}) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(index.nearest(question, n, {}).value().size(), 2000u) << n;
  }
}

TEST(SignCodes, EveryWayToCountFindsTheSame) {
  Database database = with_tables();
  VectorIndex index = VectorIndex::open(database).value();
  ClusteredVectors vectors(200, 20, 3);
  fill(database, index, vectors, 1003, 200);
  const VectorRows rows = VectorRows::read(database).value();
  const SignCodes portable(rows, BitCounting::kPortable);
  EXPECT_EQ(portable.n_rows(), rows.size());
  const std::vector<float> question = vectors.next();
  const std::vector<uint32_t> wanted = portable.nearest(question, 50);
  EXPECT_EQ(wanted.size(), 50u);
  for (const BitCounting counting : {BitCounting::kPopcnt, BitCounting::kAvx512}) {
    if (counting > best_bit_counting()) continue;
    EXPECT_EQ(SignCodes(rows, counting).nearest(question, 50), wanted);
  }
  EXPECT_EQ(portable.nearest(question, 5000).size(), rows.size());
  EXPECT_TRUE(portable.nearest(question, 0).empty());
  EXPECT_EQ(portable.nearest(std::vector<float>(200), 5).size(), 5u) << "a question of nothing";
}

TEST(SignCodes, NumbersThatAreNoneDoNoHarm) {
  Database database = with_tables();
  VectorIndex index = VectorIndex::open(database).value();
  ASSERT_TRUE(index.set_model("m", "m", 32));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(database.execute("INSERT INTO vector VALUES (" + std::to_string(i) + ", 0, x'" +
                                 (i % 2 == 0 ? "007e" : "007c") + std::string(64, '7') + "')"));
  }
  const SignCodes codes(VectorRows::read(database).value());
  EXPECT_LE(codes.nearest(std::vector<float>(32, NAN), 5).size(), 5u);
}

}  // namespace
}  // namespace ondol
