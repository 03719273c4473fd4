// Attention over a paged cache against plain double loops over the numbers that the cache holds.
#include <numeric>

#include "quant/format.h"
#include "tests/backend/testing.h"

namespace ondol {
namespace {

using testing::Matrix;
using testing::Random;

/// What to store keys and values as, and the orders by which they are turned.
struct Storage {
  DType k_type = DType::F32;
  DType v_type = DType::F32;
  int k_order = 0;
  int v_order = 0;
};

/// A layer's cache with its pages in a scattered order, filled by kv_store.
struct Cache {
  Cache(Storage storage, int n_heads, int k_dim, int v_dim, bool v_in_k, int n_pages, int page_tokens) {
    layer.k_type = storage.k_type;
    layer.v_type = storage.v_type;
    layer.k_order = storage.k_order;
    layer.v_order = storage.v_order;
    layer.n_heads = n_heads;
    layer.k_dim = k_dim;
    layer.v_dim = v_dim;
    layer.v_in_k = v_in_k;
    layer.page_tokens = page_tokens;
    layer.k_row_bytes = row_bytes(layer.k_type, k_dim);
    layer.v_row_bytes = row_bytes(layer.v_type, v_dim);
    layer.k_page_bytes = layer.k_row_bytes * static_cast<size_t>(n_heads * page_tokens);
    layer.v_page_bytes = v_in_k ? 0 : layer.v_row_bytes * static_cast<size_t>(n_heads * page_tokens);
    // 0xff bytes are NaN in F16 and F32: what was not stored must not be read.
    k.assign(layer.k_page_bytes * static_cast<size_t>(n_pages), 0xff);
    v.assign(layer.v_page_bytes * static_cast<size_t>(n_pages) + 1, 0xff);
    layer.k = k.data();
    layer.v = v.data();
  }

  Cache(const Cache&) = delete;

  /// A row as it was before it was turned.
  static std::vector<double> row(const uint8_t* start, DType type, int order, int dim) {
    std::vector<float> decoded(static_cast<size_t>(dim));
    format_of(type).decode(start, decoded.data(), dim);
    const std::vector<double> as_stored(decoded.begin(), decoded.end());
    return order > 0 ? testing::times_hadamard(as_stored, order) : as_stored;
  }
  size_t place(int head, int position) const {
    return static_cast<size_t>(head * layer.page_tokens + position % layer.page_tokens);
  }
  std::vector<double> key(const KvSlice& slice, int head, int position) const {
    const auto page = static_cast<size_t>(slice.pages[position / layer.page_tokens]);
    return row(layer.k + page * layer.k_page_bytes + place(head, position) * layer.k_row_bytes, layer.k_type,
               layer.k_order, layer.k_dim);
  }
  std::vector<double> value(const KvSlice& slice, int head, int position) const {
    if (layer.v_in_k) {
      std::vector<double> whole = key(slice, head, position);
      whole.resize(static_cast<size_t>(layer.v_dim));
      return whole;
    }
    const auto page = static_cast<size_t>(slice.pages[position / layer.page_tokens]);
    return row(layer.v + page * layer.v_page_bytes + place(head, position) * layer.v_row_bytes, layer.v_type,
               layer.v_order, layer.v_dim);
  }

  KvLayer layer{};
  std::vector<uint8_t> k;
  std::vector<uint8_t> v;
};

struct Case {
  Storage storage = {};
  int n_heads = 4;
  int n_kv_heads = 2;
  int k_dim = 32;
  int v_dim = 32;
  bool v_in_k = false;
  int page_tokens = 32;
  int window = 0;
  float softcap = 0;
  bool sinks = false;
  std::vector<std::pair<int, int>> slices = {{0, 5}};  // positions before the batch, rows in it

  std::string storage_name() const {
    return fmt::format("{}/{} turned {}/{}", info_of(storage.k_type).name, info_of(storage.v_type).name,
                       storage.k_order, storage.v_order);
  }
  std::string name() const {
    std::string text =
        fmt::format("{} {}/{} heads, dims {}/{}{}, pages {}, window {}, softcap {}, sinks {}, slices", storage_name(),
                    n_heads, n_kv_heads, k_dim, v_dim, v_in_k ? " v in k" : "", page_tokens, window, softcap, sinks);
    for (const auto& [before, rows] : slices) text += fmt::format(" {}+{}", before, rows);
    return text;
  }
};

/// The inputs of a case, with everything before the batch already in the cache.
struct Scene {
  Scene(const Case& c, uint32_t seed, Backend& backend)
      : random(seed), cache(c.storage, c.n_kv_heads, c.k_dim, c.v_dim, c.v_in_k, count_pages(c) + 3, c.page_tokens) {
    int next_page = count_pages(c) + 2;
    int first_row = 0;
    pages.resize(c.slices.size());
    for (size_t s = 0; s < c.slices.size(); ++s) {
      const auto [before, rows] = c.slices[s];
      for (int p = 0; p < before + rows; p += c.page_tokens) pages[s].push_back(next_page--);
      slices.push_back({first_row, rows, before, pages[s].data()});
      first_row += rows;
      if (before > 0) {
        const Matrix k = random.matrix(before, c.n_kv_heads * c.k_dim, 1.0f, 3);
        const Matrix v = random.matrix(before, c.n_kv_heads * c.v_dim, 1.0f, 1);
        const KvSlice past[] = {{0, before, 0, pages[s].data()}};
        backend.kv_store(k.tensor, v.tensor, cache.layer, past);
      }
    }
    const Matrix k = random.matrix(first_row, c.n_kv_heads * c.k_dim);
    const Matrix v = random.matrix(first_row, c.n_kv_heads * c.v_dim);
    backend.kv_store(k.tensor, v.tensor, cache.layer, slices);
    q = random.matrix(first_row, c.n_heads * c.k_dim, 1.0f, 5);
    sinks = random.matrix(1, c.n_heads);
    args.q = q.tensor;
    args.n_heads = c.n_heads;
    args.scale = 1.0f / std::sqrt(static_cast<float>(c.k_dim));
    args.softcap = c.softcap;
    args.window = c.window;
    if (c.sinks) args.sinks = sinks.tensor;
  }

  static int count_pages(const Case& c) {
    int n = 0;
    for (const auto& [before, rows] : c.slices) n += (before + rows + c.page_tokens - 1) / c.page_tokens;
    return n;
  }

  Matrix run(Backend& backend) {
    Matrix out(q.tensor.rows(), args.n_heads * cache.layer.v_dim, 7);
    args.out = out.tensor;
    backend.attention(args, cache.layer, slices);
    EXPECT_TRUE(out.gaps_untouched());
    return out;
  }

  /// One row of the first slice, alone.
  Matrix run_row(Backend& backend, int row) {
    Matrix out(1, args.n_heads * cache.layer.v_dim);
    AttentionArgs of_row = args;
    of_row.q = q.tensor.slice_rows(row, 1);
    of_row.out = out.tensor;
    const KvSlice only[] = {{0, 1, slices[0].first_position + row, slices[0].pages}};
    backend.attention(of_row, cache.layer, only);
    return out;
  }

  Random random;
  Cache cache;
  std::vector<std::vector<int32_t>> pages;
  std::vector<KvSlice> slices;
  Matrix q;
  Matrix sinks;
  AttentionArgs args;
};

/// softmax(q k) v of one query by the definition.
void attend_plainly(const std::vector<std::vector<double>>& keys, const std::vector<std::vector<double>>& values,
                    const float* q, const AttentionArgs& args, const float* sink, float* out) {
  std::vector<double> weights;
  for (const auto& key : keys) {
    double logit = 0;
    for (size_t i = 0; i < key.size(); ++i) logit += static_cast<double>(q[i]) * key[i];
    logit *= static_cast<double>(args.scale);
    if (args.softcap > 0)
      logit = static_cast<double>(args.softcap) * std::tanh(logit / static_cast<double>(args.softcap));
    weights.push_back(std::exp(logit));
  }
  double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (sink != nullptr) sum += std::exp(static_cast<double>(*sink));
  for (size_t i = 0; i < values[0].size(); ++i) {
    double total = 0;
    for (size_t p = 0; p < values.size(); ++p) total += weights[p] * values[p][i];
    out[i] = static_cast<float>(total / sum);
  }
}

Matrix expected(const Case& c, Scene& scene) {
  Matrix out(scene.q.tensor.rows(), c.n_heads * c.v_dim);
  for (const KvSlice& slice : scene.slices) {
    for (int r = 0; r < slice.n_rows; ++r) {
      const int position = slice.first_position + r;
      for (int h = 0; h < c.n_heads; ++h) {
        std::vector<std::vector<double>> keys;
        std::vector<std::vector<double>> values;
        for (int p = 0; p <= position; ++p) {
          if (c.window > 0 && p <= position - c.window) continue;
          keys.push_back(scene.cache.key(slice, h / (c.n_heads / c.n_kv_heads), p));
          values.push_back(scene.cache.value(slice, h / (c.n_heads / c.n_kv_heads), p));
        }
        attend_plainly(keys, values, scene.q.tensor.f32(slice.first_row + r) + h * c.k_dim, scene.args,
                       c.sinks ? scene.sinks.tensor.f32() + h : nullptr, &out.at(slice.first_row + r, h * c.v_dim));
      }
    }
  }
  return out;
}

std::vector<Case> cases() {
  std::vector<Case> list;
  const Storage storages[] = {{},
                              {DType::F16, DType::F16},
                              {DType::Q8_0, DType::Q8_0, 32, 32},
                              {DType::Q4_0, DType::Q4_0},
                              {DType::Q8_0, DType::Q4_0, 0, 32},
                              {DType::Q4_0, DType::F16, 16, 0},
                              {DType::F32, DType::Q8_0, 32, 16}};
  for (const Storage& storage : storages) {
    list.push_back({.storage = storage});
    list.push_back({.storage = storage, .n_heads = 8, .n_kv_heads = 2, .k_dim = 64, .v_dim = 64, .slices = {{700, 1}}});
    list.push_back({.storage = storage,
                    .n_heads = 8,
                    .n_kv_heads = 1,
                    .k_dim = 96,
                    .v_dim = 64,
                    .slices = {{63, 3}, {0, 17}, {130, 1}}});
    list.push_back({.storage = storage, .n_heads = 3, .n_kv_heads = 3, .k_dim = 64, .v_dim = 128, .slices = {{5, 70}}});
    list.push_back({.storage = storage, .window = 40, .slices = {{200, 9}, {3, 2}, {10, 80}}});
    list.push_back({.storage = {storage.k_type, storage.k_type},
                    .n_heads = 16,
                    .n_kv_heads = 1,
                    .k_dim = 96,
                    .v_dim = 64,
                    .v_in_k = true,
                    .slices = {{90, 4}, {1100, 1}}});
    list.push_back({.storage = storage, .softcap = 2.0f, .sinks = true, .slices = {{100, 33}, {600, 2}}});
  }
  constexpr Storage kF16 = {DType::F16, DType::F16};
  list.push_back({.storage = {DType::Q4_0, DType::Q4_0, 128, 256},
                  .n_heads = 4,
                  .n_kv_heads = 1,
                  .k_dim = 128,
                  .v_dim = 256,
                  .slices = {{70, 1}, {50, 30}}});
  list.push_back({.storage = kF16, .k_dim = 40, .v_dim = 24, .slices = {{33, 17}, {2, 1}}});
  list.push_back(
      {.n_heads = 2, .n_kv_heads = 1, .k_dim = 7, .v_dim = 5, .page_tokens = 16, .slices = {{20, 9}, {0, 1}}});
  list.push_back({.storage = kF16, .n_heads = 5, .n_kv_heads = 1, .k_dim = 256, .v_dim = 256, .slices = {{50, 6}}});
  list.push_back(
      {.storage = kF16, .n_heads = 80, .n_kv_heads = 1, .k_dim = 64, .v_dim = 32, .v_in_k = true, .slices = {{70, 2}}});
  list.push_back({.storage = {DType::Q8_0, DType::Q4_0, 32, 16},
                  .n_heads = 8,
                  .n_kv_heads = 8,
                  .k_dim = 32,
                  .v_dim = 32,
                  .page_tokens = 128,
                  .slices = {{1500, 20}, {511, 1}, {512, 1}}});
  list.push_back({.storage = kF16, .window = 1, .slices = {{64, 3}}});
  return list;
}

TEST(Attention, EqualsPlainLoopsForEveryInstructionSet) {
  uint32_t seed = 1;
  for (const Case& c : cases()) {
    auto plain = testing::backend("ref");
    Scene scene(c, seed++, *plain);
    const Matrix want = expected(c, scene);
    for (const std::string& isa : testing::instruction_sets()) {
      auto backend = testing::backend(isa);
      EXPECT_LT(testing::largest_error(scene.run(*backend), want, 0.1), isa == "ref" ? 4e-6 : 2e-5)
          << isa << ": " << c.name();
    }
  }
}

TEST(Attention, DoesNotDependOnTheNumberOfThreads) {
  for (const std::string& isa : testing::instruction_sets()) {
    for (const Case& c : cases()) {
      auto one = testing::backend(isa, 1);
      Scene scene(c, 7, *one);
      const Matrix want = scene.run(*one);
      for (const int n_threads : {2, 3}) {
        auto several = testing::backend(isa, n_threads);
        EXPECT_TRUE(testing::same_bits(scene.run(*several), want)) << isa << ": " << c.name();
      }
    }
  }
}

/// Rows of one sequence get the same bits together as one after another, so a checked draft says what plain generation
/// says. The cases cross pages, steps of the kernels and chunks of positions, with groups on both sides of the kernels'
/// own border between few and many queries, and with so many blocks that large batches would not divide positions.
TEST(Attention, RowsOfSmallBatchesDoNotDependOnOneAnother) {
  const Case shapes[] = {
      {.n_heads = 3, .n_kv_heads = 3},    {.n_heads = 8, .n_kv_heads = 2, .k_dim = 64, .v_dim = 64},
      {.n_heads = 8, .n_kv_heads = 1},    {.n_heads = 20, .n_kv_heads = 1, .k_dim = 96, .v_dim = 64, .v_in_k = true},
      {.n_heads = 288, .n_kv_heads = 16}, {.window = 40},
      {.softcap = 2.0f, .sinks = true},
  };
  const Storage storages[] = {{}, {DType::F16, DType::F16}, {DType::Q8_0, DType::Q8_0}, {DType::Q4_0, DType::Q4_0}};
  for (const Storage& storage : storages) {
    for (Case c : shapes) {
      c.storage = storage;
      // As the cache does it: blocks are turned, but for latent attention.
      const bool turned = info_of(storage.k_type).block_size > 1 && !c.v_in_k;
      if (turned) c.storage.k_order = c.storage.v_order = 32;
      for (const auto& slice : {std::pair{0, 8}, {29, 8}, {61, 5}, {509, 4}, {700, 2}, {1022, 3}}) {
        c.slices = {slice};
        for (const std::string& isa : testing::instruction_sets()) {
          auto backend = testing::backend(isa);
          Scene scene(c, 17, *backend);
          const Matrix together = scene.run(*backend);
          for (int row = 0; row < slice.second; ++row) {
            const Matrix alone = scene.run_row(*backend, row);
            for (int64_t i = 0; i < alone.tensor.columns(); ++i) {
              ASSERT_EQ(alone.at(0, i), together.at(row, i)) << isa << ": " << c.name() << ", row " << row;
            }
          }
        }
      }
    }
  }
}

TEST(Attention, StandsVeryLargeLogits) {
  for (const std::string& isa : testing::instruction_sets()) {
    auto backend = testing::backend(isa);
    for (const int rows : {1, 40}) {
      Scene scene({.slices = {{600, rows}}}, 11, *backend);
      scene.args.scale = 1e4f;
      const Matrix out = scene.run(*backend);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < out.tensor.columns(); ++i) ASSERT_LT(std::fabs(out.at(r, i)), 10.0f) << isa;
      }
    }
  }
}

TEST(AttentionBothWays, EqualsPlainLoops) {
  for (const std::string& isa : testing::instruction_sets()) {
    auto backend = testing::backend(isa);
    for (const int window : {0, 1, 20}) {
      for (const auto& [k_dim, v_dim] : {std::pair{16, 16}, {32, 64}, {5, 3}}) {
        Random random(3);
        const int n_heads = 3;
        const int n_rows = 150;
        const Matrix q = random.matrix(n_rows, n_heads * k_dim, 1.0f, 2);
        const Matrix k = random.matrix(n_rows, n_heads * k_dim, 1.0f, 4);
        const Matrix v = random.matrix(n_rows, n_heads * v_dim, 1.0f, 1);
        Matrix out(n_rows, n_heads * v_dim, 3);
        AttentionArgs args;
        args.q = q.tensor;
        args.out = out.tensor;
        args.n_heads = n_heads;
        args.scale = 0.3f;
        args.window = window;
        const KvSlice slices[] = {{0, 90, 0, nullptr}, {90, 1, 0, nullptr}, {91, 59, 0, nullptr}};
        backend->attention_both_ways(args, k.tensor, v.tensor, slices);
        EXPECT_TRUE(out.gaps_untouched());
        Matrix want(n_rows, n_heads * v_dim);
        for (const KvSlice& slice : slices) {
          for (int r = 0; r < slice.n_rows; ++r) {
            for (int h = 0; h < n_heads; ++h) {
              std::vector<std::vector<double>> keys;
              std::vector<std::vector<double>> values;
              for (int p = 0; p < slice.n_rows; ++p) {
                if (window > 0 && std::abs(p - r) >= window) continue;
                const float* key = k.tensor.f32(slice.first_row + p) + h * k_dim;
                const float* value = v.tensor.f32(slice.first_row + p) + h * v_dim;
                keys.emplace_back(key, key + k_dim);
                values.emplace_back(value, value + v_dim);
              }
              attend_plainly(keys, values, q.tensor.f32(slice.first_row + r) + h * k_dim, args, nullptr,
                             &want.at(slice.first_row + r, h * v_dim));
            }
          }
        }
        EXPECT_LT(testing::largest_error(out, want, 0.1), 2e-5) << isa << " window " << window << " dim " << k_dim;
      }
    }
  }
}

}  // namespace
}  // namespace ondol
