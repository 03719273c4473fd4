#include "models/half_matrices.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "quant/half.h"

namespace ondol {
namespace {

constexpr float kLargestHalf = 65504.0f;

/// Nothing where a number does not fit.
std::optional<OwnedTensor> in_halves(const Tensor& matrix) {
  OwnedTensor halves(DType::F16, matrix.shape());
  for (int64_t row = 0; row < matrix.rows(); ++row) {
    const float* from = matrix.f32(row);
    auto* to = reinterpret_cast<uint16_t*>(halves.tensor.row_bytes(row));
    for (int64_t i = 0; i < matrix.columns(); ++i) {
      if (!(std::abs(from[i]) <= kLargestHalf)) return std::nullopt;
      to[i] = f32_to_f16(from[i]);
    }
  }
  return halves;
}

}  // namespace

std::shared_ptr<const ModelFile> with_half_matrices(std::shared_ptr<const ModelFile> file) {
  std::vector<TensorEntry> tensors = file->tensors();
  std::vector<std::any> owners;
  for (TensorEntry& entry : tensors) {
    if (entry.tensor.type() != DType::F32 || entry.tensor.rows() < 2) continue;
    std::optional<OwnedTensor> halves = in_halves(entry.tensor);
    if (!halves) continue;
    entry.tensor = halves->tensor;
    owners.emplace_back(std::move(halves->buffer));
  }
  owners.emplace_back(file);
  return std::make_shared<AssembledModelFile>(file->path(), file->metadata(), std::move(tensors), std::move(owners));
}

}  // namespace ondol
