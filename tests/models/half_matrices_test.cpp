#include "models/half_matrices.h"

#include <gtest/gtest.h>

#include "quant/half.h"

namespace ondol {
namespace {

std::shared_ptr<const ModelFile> file_with(std::vector<TensorEntry> tensors) {
  return std::make_shared<AssembledModelFile>("test", Metadata{}, std::move(tensors), std::vector<std::any>{});
}

TEST(HalfMatrices, OnlyWhatFitsIsHalved) {
  OwnedTensor matrix(DType::F32, {3, 5}), vector(DType::F32, {7}), large(DType::F32, {2, 2});
  for (int64_t i = 0; i < 15; ++i) matrix.tensor.f32()[i] = 0.37f * static_cast<float>(i - 7);
  for (int64_t i = 0; i < 7; ++i) vector.tensor.f32()[i] = 1;
  for (int64_t i = 0; i < 4; ++i) large.tensor.f32()[i] = 1e5f;
  const auto file =
      with_half_matrices(file_with({{"matrix", matrix.tensor}, {"vector", vector.tensor}, {"large", large.tensor}}));
  const Tensor& halves = *file->find_tensor("matrix");
  ASSERT_EQ(halves.type(), DType::F16);
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t i = 0; i < 5; ++i) {
      const float exact = matrix.tensor.f32(row)[i];
      const float half = f16_to_f32(reinterpret_cast<const uint16_t*>(halves.row_bytes(row))[i]);
      EXPECT_NEAR(half, exact, std::abs(exact) / 2048);
    }
  }
  EXPECT_EQ(file->find_tensor("vector")->bytes(), vector.tensor.bytes());
  EXPECT_EQ(file->find_tensor("large")->bytes(), large.tensor.bytes());
}

}  // namespace
}  // namespace ondol
