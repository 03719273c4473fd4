// How activations are rounded to 8 bits: the same bytes, scales and sums in every table.
#include "backend/cpu/matmul_kernels.h"
#include "tests/backend/testing.h"

namespace ondol::testing {
namespace {

struct Rounded {
  Rounded(int64_t k, int width)
      : q(static_cast<size_t>(k * width)),
        scales(static_cast<size_t>(k / cpu::kXGroup * width)),
        sums(static_cast<size_t>(k / 16 * width)) {}
  bool operator==(const Rounded&) const = default;

  std::vector<int8_t> q;
  std::vector<float> scales;
  std::vector<int32_t> sums;
};

Rounded round(const cpu::MatmulKernels& kernels, const Matrix& x, int width) {
  const Tensor& all = x.tensor;
  Rounded rounded(all.columns(), width);
  kernels.round(all.f32(), all.row_stride_bytes() / sizeof(float), static_cast<int>(all.rows()), all.columns(), width,
                rounded.q.data(), rounded.scales.data(), rounded.sums.data());
  return rounded;
}

/// Of all sizes, with groups of zeros, one number that outweighs its group, and numbers half way between two bytes.
Matrix activations(int rows) {
  Random random(static_cast<uint32_t>(rows));
  Matrix x = random.matrix(rows, 96, 1.0f, 5);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < 96; ++c) x.at(r, c) *= std::pow(10.0f, static_cast<float>(r - 8));
    if (r % 5 == 1) std::fill_n(x.tensor.f32(r) + 32, 32, 0.0f);
    if (r % 5 == 2) x.at(r, 40) = -1e6f;
    for (int c = 64; r % 5 == 3 && c < 96; ++c) x.at(r, c) = static_cast<float>(c - 80) + 0.5f;
    if (r % 5 == 3) x.at(r, 64) = 127.0f;
  }
  return x;
}

/// By the definition: q = nearest(127 x / largest), its scale largest / 127.
Rounded expected(const Matrix& x, int width) {
  const int64_t k = x.tensor.columns();
  Rounded rounded(k, width);
  for (int c = 0; c < static_cast<int>(x.tensor.rows()); ++c) {
    for (int64_t i = 0; i < k; ++i) {
      const int64_t group = i / cpu::kXGroup;
      float largest = 0;
      for (int64_t j = 0; j < cpu::kXGroup; ++j) largest = std::max(largest, std::fabs(x.at(c, group * 32 + j)));
      rounded.scales[static_cast<size_t>(group * width + c)] = largest * (1.0f / 127.0f);
      const float factor = largest > 0 ? 127.0f / largest : 0.0f;
      const auto byte = static_cast<int8_t>(std::nearbyint(static_cast<double>(x.at(c, i)) * static_cast<double>(factor)));
      rounded.q[static_cast<size_t>(((i / 4) * width + c) * 4 + i % 4)] = byte;
      rounded.sums[static_cast<size_t>(i / 16 * width + c)] += byte;
    }
  }
  return rounded;
}

void expect_definition([[maybe_unused]] const cpu::MatmulKernels& kernels) {
  for (const auto& [rows, width] : {std::pair{16, 16}, {11, 16}, {8, 8}, {1, 1}}) {
    const Matrix x = activations(rows);
    const Rounded found = round(kernels, x, width);
    const Rounded wanted = expected(x, width);
    EXPECT_EQ(found.q, wanted.q) << rows;
    EXPECT_EQ(found.scales, wanted.scales) << rows;
    EXPECT_EQ(found.sums, wanted.sums) << rows;
  }
}

TEST(Rounding, IsTheNearestByteInEveryTable) {
  [[maybe_unused]] const auto can_run = [](const char* name) {
    return cpu::select_kernels(name, cpu::detect_features()).has_value();
  };
#if defined(__x86_64__)
  if (can_run("avx2")) expect_definition(cpu::avx2::kMatmul);
  if (can_run("avx512")) expect_definition(cpu::avx512::kMatmul);
#endif
}

}  // namespace
}  // namespace ondol::testing
