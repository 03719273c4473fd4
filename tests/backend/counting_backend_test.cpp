#include "backend/counting_backend.h"

#include <set>

#include <gtest/gtest.h>

namespace ondol {
namespace {

constexpr DType kType = DType::Q8_0;  // 34 bytes for 32 elements

class CountingBackendTest : public testing::Test {
 protected:
  void SetUp() override { use({}); }

  void use(const std::string& instruction_set) {
    auto made = create_counting_backend({.n_threads = 1, .instruction_set = instruction_set}, demand_);
    ASSERT_TRUE(made) << made.error().message();
    backend_ = std::move(*made);
  }

  /// A view of nothing: memory must not be looked at.
  static Weight weight(int64_t rows, int64_t columns, DType type = kType) {
    return {Tensor(type, {rows, columns}, nullptr), {}};
  }
  static Tensor x(int64_t rows, int64_t columns) { return Tensor(DType::F32, {rows, columns}, nullptr); }

  Demand demand_;
  std::unique_ptr<Backend> backend_;
};

TEST_F(CountingBackendTest, ProductsAreReadOnceAndMultipliedForEveryRow) {
  const Weight a = weight(10, 64);
  const Weight b = weight(3, 64, DType::F16);
  const LinearJob jobs[] = {{&a, x(5, 10)}, {&b, x(5, 3)}};
  backend_->linear(x(5, 64), jobs);
  EXPECT_EQ(demand_.weight_bytes, 10 * 68 + 3 * 128);
  EXPECT_EQ(demand_.all_operations(), 2 * 5 * 64 * 13);
  backend_->gated_mlp(x(1, 64), weight(96, 64), weight(96, 64), weight(64, 96), {}, x(1, 64), true);
  EXPECT_EQ(demand_.weight_bytes, 10 * 68 + 3 * 128 + 2 * 96 * 68 + 64 * 102);
  EXPECT_EQ(demand_.cache_bytes, 0);
}

TEST_F(CountingBackendTest, EmbeddingsReadTheirRows) {
  const int32_t ids[] = {7, 7, 1};
  backend_->embed(Tensor(kType, {100, 64}, nullptr), ids, x(3, 64));
  EXPECT_EQ(demand_.weight_bytes, 3 * 68);
  EXPECT_EQ(demand_.all_operations(), 0);
}

TEST_F(CountingBackendTest, AttentionSeesTheCacheUpToItsWindow) {
  const KvLayer layer{.k_type = DType::F16,
                      .v_type = DType::F16,
                      .k_order = 0,
                      .v_order = 0,
                      .n_heads = 2,
                      .k_dim = 64,
                      .v_dim = 32,
                      .v_in_k = false,
                      .page_tokens = 32,
                      .k = nullptr,
                      .v = nullptr,
                      .k_row_bytes = 128,
                      .v_row_bytes = 64,
                      .k_page_bytes = 0,
                      .v_page_bytes = 0};
  const KvSlice slices[] = {{0, 1, 100, nullptr}, {1, 4, 10, nullptr}};
  AttentionArgs args;
  backend_->attention(args, layer, slices);
  EXPECT_EQ(demand_.cache_bytes, 2 * (128 + 64) * (101 + 14));
  demand_ = {};
  args.window = 8;
  backend_->attention(args, layer, slices);
  EXPECT_EQ(demand_.cache_bytes, 2 * (128 + 64) * (8 + 11));
  demand_ = {};
  KvLayer latent = layer;
  latent.v_in_k = true;
  backend_->attention(args, latent, slices);
  EXPECT_EQ(demand_.cache_bytes, 2 * 128 * (8 + 11));
}

TEST_F(CountingBackendTest, ExpertsAreReadOnceHoweverManyRowsChoseThem) {
  constexpr int kExperts = 16;
  RouteParams params;
  params.n_used = 4;
  std::vector<int32_t> ids(12, -1);
  std::vector<float> weights(12, 0.0f);
  backend_->route(x(3, kExperts), params, ids, weights);
  for (int row = 0; row < 3; ++row) {
    const std::set<int32_t> chosen(ids.begin() + row * 4, ids.begin() + row * 4 + 4);
    EXPECT_EQ(chosen.size(), 4u) << "experts of a row differ";
    EXPECT_GE(*chosen.begin(), 0);
    EXPECT_LT(*chosen.rbegin(), kExperts);
  }
  Experts experts;
  for (int e = 0; e < kExperts; ++e) {
    experts.gate.push_back(weight(32, 64));
    experts.up.push_back(weight(32, 64));
    experts.down.push_back(weight(64, 32));
  }
  backend_->experts_mlp(x(3, 64), experts, ids, weights, {}, x(3, 64));
  const std::set<int32_t> chosen(ids.begin(), ids.end());
  EXPECT_EQ(demand_.weight_bytes, static_cast<double>(chosen.size()) * (2 * 32 * 68 + 64 * 34));
  EXPECT_EQ(demand_.all_operations(), 12 * 2 * 3 * 32 * 64);
}

TEST_F(CountingBackendTest, OperationsGoByTheArithmeticThatDoesThem) {
  const Weight q8 = weight(64, 64);
  const Weight f32 = weight(64, 64, DType::F32);
  const auto arithmetic = [&](const std::string& set, const Weight& w, int64_t rows) {
    demand_ = {};
    use(set);
    const LinearJob job{&w, x(rows, 64)};
    backend_->linear(x(rows, 64), {&job, 1});
    return demand_.main_arithmetic();
  };
  EXPECT_EQ(arithmetic("ref", q8, 1), Arithmetic::kFp32);
  const auto machine = examine_machine({}, false);
  ASSERT_TRUE(machine);
  for (const std::string& set : machine->instruction_sets) {
    if (set == "ref") continue;
    EXPECT_EQ(arithmetic(set, q8, 1), Arithmetic::kInt8) << set;
    EXPECT_EQ(arithmetic(set, q8, 512), set == "amx" ? Arithmetic::kBf16 : Arithmetic::kInt8) << set;
    EXPECT_EQ(arithmetic(set, f32, 512), Arithmetic::kFp32) << set;
  }
}

}  // namespace
}  // namespace ondol
