#include "nn/kv_cache.h"

#include <cstring>

#include <gtest/gtest.h>

namespace ondol {
namespace {

const std::vector<KvLayerShape> kLayers = {{2, 64, 64, false}, {1, 40, 40, false}, {1, 96, 64, true}};

KvCache make(int64_t n_positions, KvTypes types = DType::F16) {
  auto cache = KvCache::create(kLayers, types, n_positions);
  EXPECT_TRUE(cache);
  return std::move(*cache);
}

TEST(KvCache, SequencesTakeAndReturnPages) {
  KvCache cache = make(8 * kPageTokens);
  EXPECT_EQ(cache.n_free_pages(), 8);
  {
    KvSequence a(cache);
    ASSERT_TRUE(a.append(kPageTokens + 1));
    EXPECT_EQ(cache.n_free_pages(), 6);
    a.truncate(kPageTokens);
    EXPECT_EQ(cache.n_free_pages(), 7);
    KvSequence moved = std::move(a);
    EXPECT_EQ(moved.length(), kPageTokens);
    EXPECT_EQ(a.length(), 0);  // NOLINT(bugprone-use-after-move): a moved-from sequence is empty
  }
  EXPECT_EQ(cache.n_free_pages(), 8);
}

TEST(KvCache, AFullCacheRefusesAndChangesNothing) {
  KvCache cache = make(2 * kPageTokens);
  KvSequence a(cache);
  ASSERT_TRUE(a.append(10));
  EXPECT_FALSE(a.append(2 * kPageTokens));
  EXPECT_EQ(a.length(), 10);
  EXPECT_EQ(cache.n_free_pages(), 1);
}

TEST(KvCache, ForksShareFullPagesAndCopyWhatTheyWriteTo) {
  KvCache cache = make(8 * kPageTokens);
  KvSequence a(cache);
  ASSERT_TRUE(a.append(kPageTokens + 4));
  const KvLayer& layer = cache.layer(0);
  std::memset(layer.k + static_cast<size_t>(a.pages()[1]) * layer.k_page_bytes, 7, layer.k_page_bytes);

  KvSequence b = a.fork(kPageTokens + 2);
  EXPECT_EQ(cache.n_free_pages(), 6);  // nothing was copied yet
  EXPECT_EQ(b.pages()[1], a.pages()[1]);
  ASSERT_TRUE(b.append(1));
  EXPECT_EQ(b.pages()[0], a.pages()[0]);
  EXPECT_NE(b.pages()[1], a.pages()[1]);
  EXPECT_EQ(layer.k[static_cast<size_t>(b.pages()[1]) * layer.k_page_bytes], 7);  // the copy holds what was there

  a.truncate(0);
  EXPECT_EQ(b.length(), kPageTokens + 3);
  EXPECT_EQ(cache.n_free_pages(), 6);
}

TEST(KvCache, LayersWithoutWholeBlocksUseF16) {
  KvCache cache = make(kPageTokens, DType::Q8_0);
  EXPECT_EQ(cache.layer(0).k_type, DType::Q8_0);
  EXPECT_EQ(cache.layer(1).k_type, DType::F16);
  EXPECT_EQ(cache.layer(1).v_type, DType::F16);
  EXPECT_EQ(cache.layer(2).k_type, DType::Q8_0);
  EXPECT_EQ(cache.layer(2).v_page_bytes, 0u);  // the value is part of the key
  EXPECT_EQ(KvCache::bytes_per_position(kLayers, DType::Q8_0), 2u * 2 * 68 + 2 * 80 + 102);
}

TEST(KvCache, KeysAndValuesHaveTypesOfTheirOwn) {
  KvCache cache = make(kPageTokens, {DType::Q8_0, DType::Q4_0});
  EXPECT_EQ(cache.layer(0).k_type, DType::Q8_0);
  EXPECT_EQ(cache.layer(0).v_type, DType::Q4_0);
  EXPECT_EQ(cache.layer(2).k_type, DType::Q8_0);
  EXPECT_EQ(cache.layer(2).v_type, DType::Q8_0);  // the value is part of the key
  EXPECT_EQ(KvCache::bytes_per_position(kLayers, {DType::Q8_0, DType::Q4_0}), 2u * (68 + 36) + 2 * 80 + 102);
}

TEST(KvCache, BlocksAreTurnedByTheLargestPowerOfTwoExceptLatents) {
  const std::vector<KvLayerShape> layers = {{1, 64, 128, false}, {1, 96, 40, false}, {1, 576, 512, true}};
  const auto orders = [&](KvTypes types) {
    const KvCache cache = KvCache::create(layers, types, kPageTokens).value();
    std::vector<int> result;
    for (int i = 0; i < cache.n_layers(); ++i) {
      result.push_back(cache.layer(i).k_order);
      result.push_back(cache.layer(i).v_order);
    }
    return result;
  };
  EXPECT_EQ(orders(DType::Q4_0), (std::vector<int>{64, 128, 32, 0, 0, 0}));
  EXPECT_EQ(orders(DType::Q8_0), (std::vector<int>{64, 128, 32, 0, 0, 0}));
  EXPECT_EQ(orders({DType::F16, DType::Q4_0}), (std::vector<int>{0, 128, 0, 0, 0, 0}));
  EXPECT_EQ(orders(DType::F16), std::vector<int>(6, 0));
}

}  // namespace
}  // namespace ondol
