// Attention over the cache as models use it, where keys and values have channels much larger than the others.
#include "nn/attention.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "nn/kv_cache.h"

namespace ondol {
namespace {

constexpr int kHeads = 4;
constexpr int kKvHeads = 2;
constexpr int kDim = 64;
constexpr int kPositions = 200;

/// Keys and values with the same few large channels in every position, as trained models have them.
struct Scene {
  Scene()
      : q(DType::F32, {1, kHeads * kDim}),
        k(DType::F32, {kPositions, kKvHeads * kDim}),
        v(k.tensor.type(), k.tensor.shape()) {
    std::mt19937 engine(3);
    std::normal_distribution<float> normal;
    for (int i = 0; i < kHeads * kDim; ++i) q.tensor.f32()[i] = normal(engine);
    for (int row = 0; row < kPositions; ++row) {
      for (int i = 0; i < kKvHeads * kDim; ++i) {
        k.tensor.f32(row)[i] = i % kDim == 5 || i % kDim == 37 ? 20.0f + normal(engine) : normal(engine);
        v.tensor.f32(row)[i] = i % kDim == 9 ? 10.0f * normal(engine) : normal(engine);
      }
    }
  }

  /// Stores all positions and attends from the last one.
  std::vector<float> attend(const KvLayer& layer) const {
    auto backend = create_cpu_backend({.n_threads = 1}).value();
    Arena arena;
    Context context{*backend, arena};
    std::vector<int32_t> pages((kPositions + kPageTokens - 1) / kPageTokens);
    for (size_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<int32_t>(i);
    const KvSlice all[] = {{0, kPositions - 1, 0, pages.data()}};
    backend->kv_store(k.tensor.slice_rows(0, kPositions - 1), v.tensor.slice_rows(0, kPositions - 1), layer, all);
    AttentionParams params;
    params.n_heads = kHeads;
    params.n_kv_heads = kKvHeads;
    params.k_dim = params.v_dim = kDim;
    params.scale = 0.125f;
    const KvSlice last[] = {{0, 1, kPositions - 1, pages.data()}};
    const Tensor out = attention(context, params, q.tensor, k.tensor.slice_rows(kPositions - 1, 1),
                                 v.tensor.slice_rows(kPositions - 1, 1), layer, last);
    return {out.f32(), out.f32() + out.columns()};
  }

  OwnedTensor q;
  OwnedTensor k;
  OwnedTensor v;
};

KvCache cache_of(KvTypes types) {
  const KvLayerShape shape[] = {{kKvHeads, kDim, kDim, false}};
  return KvCache::create(shape, types, 256).value();
}

/// Root of the mean squared difference.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i] - b[i]), 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

TEST(Attention, TurningKeepsOutliersFromSettingTheStep) {
  const Scene scene;
  const std::vector<float> exact = scene.attend(cache_of(DType::F32).layer(0));
  for (const KvTypes types : {KvTypes(DType::Q4_0), KvTypes(DType::Q8_0), KvTypes(DType::Q4_0, DType::F32),
                              KvTypes(DType::F32, DType::Q4_0)}) {
    const KvCache cache = cache_of(types);
    const double turned = distance(scene.attend(cache.layer(0)), exact);
    KvLayer layer = cache.layer(0);
    layer.k_order = layer.v_order = 0;
    const double as_they_are = distance(scene.attend(layer), exact);
    EXPECT_LT(turned, 0.5 * as_they_are) << info_of(types.k).name << "/" << info_of(types.v).name;
  }
}

TEST(Attention, TurningAloneChangesNothing) {
  const Scene scene;
  const KvCache cache = cache_of(DType::F32);
  const std::vector<float> exact = scene.attend(cache.layer(0));
  KvLayer layer = cache.layer(0);
  for (const int order : {16, 32, 64}) {
    layer.k_order = layer.v_order = order;
    EXPECT_LT(distance(scene.attend(layer), exact), 1e-5) << order;
  }
}

}  // namespace
}  // namespace ondol
