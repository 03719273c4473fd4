// dx = dy W and dW = dy^T x as products with a turned-over operand, x W^T being what kernels compute.
#include <algorithm>

#include "backend/cpu/cpu_derivatives.h"
#include "quant/format.h"

namespace ondol::cpu {
namespace {

/// Rows that are turned over together; a block of Q8_0 is as long.
constexpr int64_t kPanel = 32;

/// Turned rows that exist at a time: what a large output matrix takes stays bounded.
constexpr int64_t kRowsAtOnce = 4096;

}  // namespace

Tensor CpuDerivatives::turned(const Tensor& matrix, int64_t begin, int64_t n, DType type) {
  const int64_t width = matrix.columns();
  const size_t size_bytes = row_bytes(type, n) * static_cast<size_t>(width);
  if (turned_.size_bytes() < size_bytes) {
    turned_ = Buffer();
    turned_ = Buffer(size_bytes);
  }
  Tensor out(type, {width, n}, turned_.data());
  const QuantFormat& from = format_of(matrix.type());
  const QuantFormat& to = format_of(type);
  float* scratch = of_threads_.floats(static_cast<size_t>((width + 1) * kPanel * pool_.size()));
  auto panels = [&](int64_t first, int64_t last, int thread) {
    float* rows = scratch + (width + 1) * kPanel * thread;
    float* column = rows + width * kPanel;
    for (int64_t panel = first; panel < last; ++panel) {
      const int64_t n_rows = std::min(kPanel, n - panel * kPanel);
      for (int64_t i = 0; i < n_rows; ++i) {
        from.decode(matrix.row_bytes(begin + panel * kPanel + i), rows + i * width, width);
      }
      const size_t offset = row_bytes(type, panel * kPanel);
      for (int64_t c = 0; c < width; ++c) {
        for (int64_t i = 0; i < n_rows; ++i) column[i] = rows[i * width + c];
        to.encode(column, nullptr, out.row_bytes(c) + offset, n_rows);
      }
    }
  };
  pool_.run((n + kPanel - 1) / kPanel, 1, std::ref(panels));
  return out;
}

void CpuDerivatives::add_product(const Tensor& x, const Tensor& weight, Tensor out) {
  const MatmulJob job{x, weight, {}, out, true};
  multiply(kernels_, pool_, matmul_, {&job, 1});
}

void CpuDerivatives::linear_input(const Tensor& dy, const Tensor& matrix, DType type, Tensor dx) {
  ONDOL_CHECK(dy.columns() == matrix.rows() && dx.columns() == matrix.columns() && dx.rows() == dy.rows());
  if (dy.rows() == 0) return;
  for (int64_t begin = 0; begin < matrix.rows();) {
    int64_t n = std::min(kRowsAtOnce, matrix.rows() - begin);
    // Blocks need whole panels; what is left over keeps its floats.
    if (n > kPanel) n -= n % kPanel;
    const Tensor weight = turned(matrix, begin, n, n % kPanel == 0 ? type : DType::F32);
    add_product(dy.slice_columns(begin, n), weight, dx);
    begin += n;
  }
}

void CpuDerivatives::linear_weight(const Tensor& dy, const Tensor& x, DType type, Tensor dmatrix) {
  ONDOL_CHECK(dy.rows() == x.rows() && dmatrix.rows() == dy.columns() && dmatrix.columns() == x.columns());
  for (int64_t begin = 0; begin < dy.rows();) {
    int64_t n = std::min(kRowsAtOnce, dy.rows() - begin);
    if (n > kPanel) n -= n % kPanel;
    Tensor flipped = flipped_.matrix(dy.columns(), n);
    auto columns = [&](int64_t first, int64_t last, int) {
      for (int64_t row = 0; row < n; ++row) {
        const float* from = dy.f32(begin + row);
        for (int64_t c = first; c < last; ++c) flipped.f32(c)[row] = from[c];
      }
    };
    pool_.run(dy.columns(), kPanel, std::ref(columns));
    add_product(flipped, turned(x, begin, n, n % kPanel == 0 ? type : DType::F32), dmatrix);
    begin += n;
  }
}

}  // namespace ondol::cpu
