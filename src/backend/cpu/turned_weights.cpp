#include "backend/cpu/turned_weights.h"

#include <algorithm>
#include <functional>

#include "backend/cpu/rounded_weights.h"
#include "quant/format.h"

namespace ondol::cpu {
namespace {

/// Rows and columns that are turned over together: they fit into a cache of the second level, and no format's blocks
/// are longer.
constexpr int64_t kPanelRows = 128;
constexpr int64_t kPanelColumns = 256;

}  // namespace

void TurnedWeights::set_budget(size_t size_bytes) {
  kept_.clear();
  left_bytes_ = size_bytes;
}

Tensor TurnedWeights::kept(const Tensor& matrix, DType type) {
  const auto found = kept_.find(matrix.bytes());
  if (found != kept_.end()) {
    const Tensor& known = found->second.matrix;
    const bool same = known.shape() == matrix.shape() && known.type() == matrix.type() &&
                      known.row_stride_bytes() == matrix.row_stride_bytes() &&
                      found->second.turned.tensor.type() == type;
    return same ? found->second.turned.tensor : Tensor();
  }
  const size_t size_bytes = row_bytes(type, matrix.rows()) * static_cast<size_t>(matrix.columns());
  if (size_bytes > left_bytes_) return {};
  left_bytes_ -= size_bytes;
  Kept kept{matrix, OwnedTensor(type, {matrix.columns(), matrix.rows()})};
  turn(matrix, 0, kept.turned.tensor);
  return kept_.emplace(matrix.bytes(), std::move(kept)).first->second.turned.tensor;
}

Tensor TurnedWeights::turned(const Tensor& matrix, int64_t begin, int64_t n, DType type) {
  const size_t size_bytes = row_bytes(type, n) * static_cast<size_t>(matrix.columns());
  if (memory_.size_bytes() < size_bytes) {
    memory_ = Buffer();
    memory_ = Buffer(size_bytes);
  }
  const Tensor out(type, {matrix.columns(), n}, memory_.data());
  turn(matrix, begin, out);
  return out;
}

/// Rows [begin, begin + out's columns).
void TurnedWeights::turn(const Tensor& matrix, int64_t begin, Tensor out) {
  const int64_t n = out.columns();
  const int64_t width = matrix.columns();
  const QuantFormat& from = format_of(matrix.type());
  const int64_t parts = (width + kPanelColumns - 1) / kPanelColumns;
  constexpr int64_t kFloats = kPanelRows * kPanelColumns + kPanelRows;
  float* scratch = of_threads_.floats(static_cast<size_t>(kFloats * pool_.size()));
  auto panels = [&](int64_t first, int64_t last, int thread) {
    float* column = scratch + kFloats * thread;
    float* rows = column + kPanelRows;
    for (int64_t i = first; i < last; ++i) {
      const int64_t row = i / parts * kPanelRows;
      const int64_t left = i % parts * kPanelColumns;
      const int64_t n_rows = std::min(kPanelRows, n - row);
      const int64_t n_columns = std::min(kPanelColumns, width - left);
      for (int64_t r = 0; r < n_rows; ++r) {
        from.decode(matrix.row_bytes(begin + row + r) + row_bytes(matrix.type(), left), rows + r * n_columns,
                    n_columns);
      }
      for (int64_t c = 0; c < n_columns; ++c) {
        for (int64_t r = 0; r < n_rows; ++r) column[r] = rows[r * n_columns + c];
        round_row(kernels_, out.type(), column, n_rows, out.row_bytes(left + c) + row_bytes(out.type(), row));
      }
    }
  };
  pool_.run((n + kPanelRows - 1) / kPanelRows * parts, 1, std::ref(panels));
}

}  // namespace ondol::cpu
