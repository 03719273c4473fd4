#include "models/latent_heads.h"

#include <cstring>

#include "quant/format.h"
#include "quant/half.h"

namespace ondol {
namespace {

/// Rows [begin, begin + n) of `matrix`, transposed into memory of its own.
OwnedTensor transposed_rows(const Tensor& matrix, int64_t begin, int64_t n) {
  const DType type = matrix.type() == DType::F32 || matrix.type() == DType::BF16 ? matrix.type() : DType::F16;
  OwnedTensor out(type, {matrix.columns(), n});
  std::vector<float> row(static_cast<size_t>(matrix.columns()));
  for (int64_t r = 0; r < n; ++r) {
    format_of(matrix.type()).decode(matrix.row_bytes(begin + r), row.data(), matrix.columns());
    for (int64_t c = 0; c < matrix.columns(); ++c) {
      uint8_t* place = out.tensor.row_bytes(c) + static_cast<size_t>(r) * row_bytes(type, 1);
      format_of(type).encode(&row[static_cast<size_t>(c)], nullptr, place, 1);
    }
  }
  return out;
}

Result<LatentHeads> from_unsplit(WeightLoader& loader, const std::string& prefix, const LatentDims& dims) {
  const int64_t rows = dims.plain + dims.value;
  const Weight both = ONDOL_TRY(loader.weight(prefix + "attn_kv_b", {dims.n_heads * rows, dims.latent}));
  LatentHeads heads;
  for (int64_t h = 0; h < dims.n_heads; ++h) {
    OwnedTensor key = transposed_rows(both.matrix, h * rows, dims.plain);
    heads.to_latent.push_back(key.tensor);
    heads.copies.push_back(std::move(key.buffer));
    heads.from_latent.push_back(both.matrix.slice_rows(h * rows + dims.plain, dims.value));
  }
  return heads;
}

}  // namespace

Result<LatentHeads> load_latent_heads(WeightLoader& loader, const std::string& prefix, const LatentDims& dims) {
  if (!loader.has_tensor(prefix + "attn_k_b.weight")) return from_unsplit(loader, prefix, dims);
  const Weight keys = ONDOL_TRY(loader.weight(prefix + "attn_k_b", {dims.n_heads, dims.latent, dims.plain}));
  const Weight values = ONDOL_TRY(loader.weight(prefix + "attn_v_b", {dims.n_heads, dims.value, dims.latent}));
  LatentHeads heads;
  for (int64_t h = 0; h < dims.n_heads; ++h) {
    heads.to_latent.push_back(keys.matrix[h]);
    heads.from_latent.push_back(values.matrix[h]);
  }
  return heads;
}

}  // namespace ondol
