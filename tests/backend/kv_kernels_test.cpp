// What makes a coarse cache good: turning by Hadamard matrices, and the search for the step of a Q4_0 block.
#include "quant/format.h"
#include "tests/backend/testing.h"

namespace ondol {
namespace {

using testing::Matrix;
using testing::Random;

cpu::CpuKernels kernels_of(const std::string& isa) {
  return cpu::select_kernels(isa, cpu::detect_features()).value();
}

std::vector<float> normal_numbers(Random& random, int n) {
  std::vector<float> x(static_cast<size_t>(n));
  for (float& value : x) value = random.normal();
  return x;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

TEST(Hadamard, EqualsTheMatrixWithTheSameBitsEverywhere) {
  Random random(3);
  for (const int order : {16, 32, 64, 128, 256, 512}) {
    for (const int n_runs : {1, 3}) {
      const std::vector<float> x = normal_numbers(random, order * n_runs);
      const std::vector<double> want = testing::times_hadamard({x.begin(), x.end()}, order);
      std::vector<float> of_first;
      for (const std::string& isa : testing::instruction_sets()) {
        std::vector<float> got = x;
        got.push_back(Matrix::kGapValue);
        kernels_of(isa).hadamard(got.data(), order, order * n_runs);
        for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-6) << isa << ", order " << order;
        EXPECT_EQ(got.back(), Matrix::kGapValue);
        if (of_first.empty()) of_first = got;
        EXPECT_EQ(got, of_first) << isa << ", order " << order;
      }
    }
  }
}

TEST(Hadamard, KeepsProductsAndIsItsOwnInverse) {
  for (const std::string& isa : testing::instruction_sets()) {
    const cpu::CpuKernels kernels = kernels_of(isa);
    Random random(5);
    for (const int order : {16, 64, 128}) {
      const std::vector<float> a = normal_numbers(random, 3 * order);
      const std::vector<float> b = normal_numbers(random, 3 * order);
      std::vector<float> turned_a = a;
      std::vector<float> turned_b = b;
      kernels.hadamard(turned_a.data(), order, 3 * order);
      kernels.hadamard(turned_b.data(), order, 3 * order);
      EXPECT_NEAR(dot(turned_a, turned_b), dot(a, b), 1e-5 * 3 * order) << isa;
      EXPECT_NEAR(dot(turned_a, turned_a), dot(a, a), 1e-5 * 3 * order) << isa;
      kernels.hadamard(turned_a.data(), order, 3 * order);
      for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(turned_a[i], a[i], 2e-6) << isa;
    }
  }
}

/// The mean squared error of Q4_0 blocks of numbers with variance 1.
double error_of_q4_0(const cpu::CpuKernels& kernels, const std::vector<float>& x) {
  const int n = static_cast<int>(x.size());
  std::vector<uint8_t> row(row_bytes(DType::Q4_0, n));
  kernels.kv_encode(cpu::KvType::kQ4_0, x.data(), row.data(), n);
  std::vector<float> decoded(x.size());
  format_of(DType::Q4_0).decode(row.data(), decoded.data(), n);
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += std::pow(static_cast<double>(decoded[i] - x[i]), 2);
  return sum / n;
}

TEST(KvEncode, Q4_0StepsBeatThoseOfTheExtremeValue) {
  Random random(7);
  const std::vector<float> x = normal_numbers(random, 32 * 2000);
  for (const std::string& isa : testing::instruction_sets()) {
    // The extreme value divided by -8 gives 0.0074, and the best of very many steps 0.0065.
    EXPECT_LT(error_of_q4_0(kernels_of(isa), x), 0.0068) << isa;
  }
}

TEST(KvEncode, Q4_0KeepsWhatItsCodesHoldExactly) {
  std::vector<float> x(64);
  for (size_t i = 0; i < x.size(); ++i) x[i] = (i < 32 ? 0.25f : -2.0f) * (static_cast<float>(i * 7 % 16) - 8.0f);
  for (const std::string& isa : testing::instruction_sets()) {
    EXPECT_EQ(error_of_q4_0(kernels_of(isa), x), 0.0) << isa;
    EXPECT_EQ(error_of_q4_0(kernels_of(isa), std::vector<float>(32, 0.0f)), 0.0) << isa;
    EXPECT_LT(error_of_q4_0(kernels_of(isa), std::vector<float>(32, 1e-35f)), 1e-60) << isa;  // zeros
  }
}

}  // namespace
}  // namespace ondol
