// Every encoder: round trip within a named error budget, importance, special values, determinism.
#include <cfloat>
#include <cstring>
#include <limits>
#include <random>

#include "quant/formats.h"
#include "tests/precompiled.h"

namespace ondol {
namespace {

// Root of the mean squared error of normally distributed values, relative to their standard deviation, that an encoder
// may not exceed without and with an importance matrix (then weighted). About 2% above what was measured.
struct Budget {
  DType type;
  double plain;
  double weighted;
};

constexpr Budget kBudgets[] = {
    {DType::F32, 0.0, 0.0},        {DType::F16, 0.000213, 0.000213}, {DType::BF16, 0.00171, 0.00169},
    {DType::Q4_0, 0.0829, 0.0774}, {DType::Q4_1, 0.0706, 0.0633},    {DType::Q5_0, 0.041, 0.0381},
    {DType::Q5_1, 0.034, 0.0304},  {DType::Q8_0, 0.00485, 0.00444},  {DType::Q2_K, 0.272, 0.231},
    {DType::Q3_K, 0.147, 0.134},   {DType::Q4_K, 0.0712, 0.0641},    {DType::Q5_K, 0.0352, 0.032},
    {DType::Q6_K, 0.017, 0.0153},  {DType::IQ4_NL, 0.075, 0.069},    {DType::IQ4_XS, 0.0757, 0.0698},
    {DType::MXFP4, 0.115, 0.114},  {DType::NVFP4, 0.0876, 0.0792},   {DType::IQ1_S, 0.458, 0.413},
    {DType::IQ1_M, 0.424, 0.368},  {DType::IQ2_XXS, 0.336, 0.281},   {DType::IQ2_XS, 0.292, 0.243},
    {DType::IQ2_S, 0.245, 0.215},  {DType::IQ3_XXS, 0.181, 0.148},   {DType::IQ3_S, 0.133, 0.113},
    {DType::TQ1_0, 0.446, 0.444},  {DType::TQ2_0, 0.446, 0.444},
};

std::vector<float> normal_values(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(n);
  for (float& value : values) value = distribution(random);
  return values;
}

std::vector<float> lognormal_values(size_t n, uint32_t seed) {
  std::vector<float> values = normal_values(n, seed);
  for (float& value : values) value = std::exp(value);
  return values;
}

std::vector<uint8_t> encode(DType type, const std::vector<float>& values, const float* importance = nullptr) {
  std::vector<uint8_t> blocks(row_bytes(type, static_cast<int64_t>(values.size())));
  format_of(type).encode(values.data(), importance, blocks.data(), static_cast<int64_t>(values.size()));
  return blocks;
}

std::vector<float> decode(DType type, const std::vector<uint8_t>& blocks, size_t n) {
  std::vector<float> values(n);
  format_of(type).decode(blocks.data(), values.data(), static_cast<int64_t>(n));
  return values;
}

std::vector<float> round_trip(DType type, const std::vector<float>& values, const float* importance = nullptr) {
  return decode(type, encode(type, values, importance), values.size());
}

double weighted_error(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& weights) {
  double error = 0.0;
  double total = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    error += weights[i] * (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    total += weights[i];
  }
  return std::sqrt(error / total);
}

std::vector<DType> all_types() {
  std::vector<DType> types = {DType::F32, DType::F16, DType::BF16};
#define ONDOL_TYPE(name, encoder) types.push_back(DType::name);
  ONDOL_BLOCK_FORMATS(ONDOL_TYPE)
#undef ONDOL_TYPE
  return types;
}

class Encoder : public testing::TestWithParam<DType> {
 protected:
  size_t block_size() const { return static_cast<size_t>(info_of(GetParam()).block_size); }
  bool is_block_format() const { return block_size() > 1; }
};

TEST_P(Encoder, StaysWithinItsErrorBudget) {
  const Budget* budget = std::find_if(std::begin(kBudgets), std::end(kBudgets),
                                      [](const Budget& entry) { return entry.type == GetParam(); });
  ASSERT_NE(budget, std::end(kBudgets)) << "a new encoder needs a line in kBudgets";
  const size_t n = 64 * 1024;
  const auto values = normal_values(n, 1);
  const auto importance = lognormal_values(n, 2);
  const std::vector<float> ones(n, 1.0f);
  const double plain = weighted_error(values, round_trip(GetParam(), values), ones);
  const double weighted = weighted_error(values, round_trip(GetParam(), values, importance.data()), importance);
  EXPECT_LE(plain, budget->plain);
  EXPECT_LE(weighted, budget->weighted);
  // A budget far above what is reached would hide a loss.
  EXPECT_GE(plain, 0.9 * budget->plain);
  EXPECT_GE(weighted, 0.9 * budget->weighted);
}

TEST_P(Encoder, SpendsItsPrecisionWhereItIsImportant) {
  if (!is_block_format()) GTEST_SKIP() << "elements do not share anything";
  const size_t n = 16 * 1024;
  const auto values = normal_values(n, 3);
  const auto importance = lognormal_values(n, 4);
  const double without = weighted_error(values, round_trip(GetParam(), values), importance);
  const double with = weighted_error(values, round_trip(GetParam(), values, importance.data()), importance);
  EXPECT_LT(with, without);
}

TEST_P(Encoder, EncodesBlocksIndependentlyAndRepeatably) {
  const size_t size = block_size();
  const auto importance = lognormal_values(7 * size, 6);
  const auto values = normal_values(7 * size, 5);
  const auto all = encode(GetParam(), values, importance.data());
  EXPECT_EQ(all, encode(GetParam(), values, importance.data()));
  const auto block_bytes = static_cast<size_t>(info_of(GetParam()).block_bytes);
  for (size_t block = 0; block < 7; ++block) {
    const std::vector<float> part(values.begin() + block * size, values.begin() + (block + 1) * size);
    const auto alone = encode(GetParam(), part, importance.data() + block * size);
    EXPECT_EQ(std::memcmp(alone.data(), all.data() + block * block_bytes, block_bytes), 0) << "block " << block;
  }
}

TEST_P(Encoder, WritesNothingBeyondItsBlocks) {
  for (const size_t n_blocks : {1, 2, 3, 5}) {
    const auto values = normal_values(n_blocks * block_size(), 7);
    const size_t size = row_bytes(GetParam(), static_cast<int64_t>(values.size()));
    std::vector<uint8_t> blocks(size + 16, 0xa5);
    format_of(GetParam()).encode(values.data(), nullptr, blocks.data(), static_cast<int64_t>(values.size()));
    for (size_t i = size; i < blocks.size(); ++i) ASSERT_EQ(blocks[i], 0xa5) << n_blocks << " blocks";
  }
}

TEST_P(Encoder, KeepsZerosExactly) {
  const std::vector<float> zeros(2 * block_size(), 0.0f);
  for (const float value : round_trip(GetParam(), zeros)) EXPECT_EQ(value, 0.0f);
}

TEST_P(Encoder, KeepsScaleAndSign) {
  const auto values = normal_values(4 * block_size(), 8);
  const std::vector<float> ones(values.size(), 1.0f);
  const double expected = weighted_error(values, round_trip(GetParam(), values), ones);
  for (const float factor : {-1.0f, 0.03125f, 16.0f}) {
    std::vector<float> scaled = values;
    for (float& value : scaled) value *= factor;
    const double error = weighted_error(scaled, round_trip(GetParam(), scaled), ones);
    EXPECT_NEAR(error / std::fabs(factor), expected, 0.05 * expected + 1e-7) << "times " << factor;
  }
}

TEST_P(Encoder, ApproximatesConstantBlocks) {
  // MXFP4's scale is a power of two, so 5.5 has to become 6.
  const float tolerance = GetParam() == DType::MXFP4 ? 0.1f : 0.035f;
  for (const float constant : {1.0f, -1.0f, 0.37f, -5.5f}) {
    const std::vector<float> values(block_size(), constant);
    for (const float value : round_trip(GetParam(), values)) {
      ASSERT_NEAR(value, constant, tolerance * std::fabs(constant)) << constant;
    }
  }
}

// Whatever the values, the result is finite, and elements that are not NaN do not suffer from one beside them.
TEST_P(Encoder, SurvivesSpecialValues) {
  if (!is_block_format()) GTEST_SKIP() << "the bits of NaN and infinity are kept";
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const float specials[][2] = {{nan, nan},          {inf, -inf},       {-inf, 1.0f},    {nan, 0.0f},
                               {FLT_MAX, -FLT_MAX}, {1e-45f, -1e-40f}, {FLT_MIN, 0.0f}, {65504.0f, 1e-8f},
                               {1e30f, 1.0f},       {-1e-30f, -1e-38f}};
  for (const auto& pair : specials) {
    std::vector<float> values = normal_values(block_size(), 9);
    values[3] = pair[0];
    values[block_size() / 2] = pair[1];
    for (const float value : round_trip(GetParam(), values)) ASSERT_TRUE(std::isfinite(value)) << pair[0];
    for (size_t i = 0; i < values.size(); ++i) values[i] = pair[i % 2];
    for (const float value : round_trip(GetParam(), values)) ASSERT_TRUE(std::isfinite(value)) << pair[0];
  }
}

TEST_P(Encoder, TreatsNanAsZero) {
  if (!is_block_format()) GTEST_SKIP() << "NaN stays NaN";
  std::vector<float> values = normal_values(block_size(), 10);
  values[5] = 0.0f;
  const auto expected = encode(GetParam(), values);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(encode(GetParam(), values), expected);
}

TEST_P(Encoder, SurvivesBadImportance) {
  const auto values = normal_values(block_size(), 11);
  const std::vector<float> ones(values.size(), 1.0f);
  const double plain = weighted_error(values, round_trip(GetParam(), values), ones);
  for (const float bad :
       {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> importance(values.size(), bad);
    EXPECT_EQ(weighted_error(values, round_trip(GetParam(), values, importance.data()), ones), plain) << bad;
  }
  for (const float extreme : {FLT_MAX, FLT_MIN, 1e-44f}) {
    std::vector<float> importance(values.size(), extreme);
    importance.back() = 0.0f;
    const double error = weighted_error(values, round_trip(GetParam(), values, importance.data()), ones);
    EXPECT_LE(error, 1.5 * plain + 1e-7) << extreme;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Encoder, testing::ValuesIn(all_types()),
                         [](const auto& test) { return std::string(info_of(test.param).name); });

TEST(Formats, AreThereForTheFloatsAndAllBlocksOfGguf) {
#define ONDOL_TYPE(name, id, block, bytes)                                                                     \
  EXPECT_EQ(has_format(DType::name),                                                                           \
            block > 1 || DType::name == DType::F32 || DType::name == DType::F16 || DType::name == DType::BF16) \
      << #name;
  ONDOL_DTYPES(ONDOL_TYPE)
#undef ONDOL_TYPE
}

TEST(Ternary, KeepsTernaryWeightsExactly) {
  for (const DType type : {DType::TQ1_0, DType::TQ2_0}) {
    std::vector<float> values(512);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = 0.0625f * static_cast<float>(static_cast<int>(i * 7 % 3) - 1);
    EXPECT_EQ(round_trip(type, values), values);
  }
}

}  // namespace
}  // namespace ondol
