// dx = dy W and dW = dy^T x as products with turned-over operands, x W^T being what kernels compute.
#include <algorithm>

#include "backend/cpu/cpu_derivatives.h"

namespace ondol::cpu {
namespace {

/// A block of Q8_0 is as long.
constexpr int64_t kPanel = 32;

/// Turned rows that exist at a time: what a large output matrix takes stays bounded.
constexpr int64_t kRowsAtOnce = 8192;

/// Tokens whose products are summed up at a time: a block of them fits into the first-level cache.
constexpr int64_t kTokensAtOnce = 2048;

/// Gradients of matrices with fewer rows or columns, as adapters have, keep BF16's digits: they cost little.
constexpr int64_t kNarrowestInBytes = 64;

/// Formats' blocks need whole panels; what is left over keeps its floats.
DType type_for(int64_t n, DType type) {
  return n % kPanel == 0 ? type : DType::F32;
}

}  // namespace

void CpuDerivatives::add_product(const MatmulJob& job) {
  multiply(kernels_, pool_, matmul_, {&job, 1});
}

bool CpuDerivatives::pays_in_bytes(DType type, int64_t k, int64_t n) const {
  const TileKernels* tiles = tiles_of(kernels_);
  return type == DType::Q8_0 && k % kPanel == 0 && n >= kFewestTiledRows && (tiles == nullptr || !tiles->beats_bytes) &&
         way_to_multiply(kernels_, DType::Q8_0, k, n) == MatmulWay::kLanes;
}

void CpuDerivatives::linear(const Tensor& x, std::span<const LinearJob> jobs, DType type) {
  std::vector<MatmulJob> products;
  rounded_.clear();
  for (const LinearJob& job : jobs) {
    const Tensor& matrix = job.weight->matrix;
    const bool in_bytes = matrix.type() == DType::F32 && pays_in_bytes(type, matrix.columns(), x.rows());
    products.push_back(
        {x, in_bytes ? rounded_.add(matrix) : matrix, job.weight->bias, job.out, job.accumulate, type != DType::F32});
    products.back().coarse = in_bytes && takes_coarse(kernels_, products.back());
  }
  multiply(kernels_, pool_, matmul_, products);
}

void CpuDerivatives::linear_input(const Tensor& dy, const Tensor& matrix, DType type, Tensor dx, LinearTraits traits) {
  ONDOL_CHECK(dy.columns() == matrix.rows() && dx.columns() == matrix.columns() && dx.rows() == dy.rows());
  if (dy.rows() == 0) return;
  MatmulJob job{dy, matrix, {}, dx, true, type != DType::F32};
  const bool is_coarse = !traits.makes_logits;
  const bool in_bytes = matrix.type() == DType::F32 && is_coarse && pays_in_bytes(type, matrix.rows(), dy.rows());
  if (job.rounded && matrix.type() == DType::F32 && takes_turned(kernels_) && !in_bytes) {
    job.weight_turned = true;
    return add_product(job);
  }
  const int64_t whole = matrix.rows() - matrix.rows() % kPanel;
  const Tensor kept = traits.is_frozen && whole > 0 ? turned_.kept(matrix.slice_rows(0, whole), type) : Tensor();
  // In the same steps whether it is kept or not, so that the sums are the same.
  for (int64_t begin = 0; begin < matrix.rows();) {
    int64_t n = std::min(kRowsAtOnce, matrix.rows() - begin);
    if (n > kPanel) n -= n % kPanel;
    job.x = dy.slice_columns(begin, n);
    job.weight = matrix.slice_rows(begin, n);
    job.weight_turned = true;
    const bool as_it_lies = in_bytes && !traits.is_frozen && takes_coarse(kernels_, job);
    if (!as_it_lies) {
      job.weight_turned = false;
      job.weight = !kept.empty() && begin < whole ? kept.slice_columns(begin, n)
                                                  : turned_.turned(matrix, begin, n, type_for(n, type));
    }
    job.coarse = is_coarse && takes_coarse(kernels_, job);
    add_product(job);
    begin += n;
  }
}

void CpuDerivatives::linear_weight(const Tensor& dy, const Tensor& x, DType type, Tensor dmatrix) {
  ONDOL_CHECK(dy.rows() == x.rows() && dmatrix.rows() == dy.columns() && dmatrix.columns() == x.columns());
  if (dy.rows() == 0) return;
  if (type == DType::Q8_0 && std::min(dy.columns(), x.columns()) < kNarrowestInBytes) type = DType::BF16;
  MatmulJob job{dy, x, {}, dmatrix, true, type != DType::F32};
  job.x_turned = job.weight_turned = true;
  job.coarse = type == DType::Q8_0 && takes_coarse(kernels_, job);
  if (!job.coarse && job.rounded && takes_turned(kernels_)) return add_product(job);
  for (int64_t begin = 0; begin < dy.rows();) {
    int64_t n = std::min(kTokensAtOnce, dy.rows() - begin);
    if (job.coarse) {
      job.x = dy.slice_rows(begin, n);
      job.weight = x.slice_rows(begin, n);
    } else {
      if (n > kPanel) n -= n % kPanel;
      job.x_turned = job.weight_turned = false;
      job.x = flip(dy, begin, n);
      job.weight = turned_.turned(x, begin, n, type_for(n, type));
    }
    add_product(job);
    begin += n;
  }
}

Tensor CpuDerivatives::flip(const Tensor& x, int64_t begin, int64_t n) {
  Tensor flipped = flipped_.matrix(x.columns(), n);
  auto columns = [&](int64_t first, int64_t last, int) {
    for (int64_t row = 0; row < n; ++row) {
      const float* from = x.f32(begin + row);
      for (int64_t c = first; c < last; ++c) flipped.f32(c)[row] = from[c];
    }
  };
  pool_.run(x.columns(), kPanel, std::ref(columns));
  return flipped;
}

}  // namespace ondol::cpu
