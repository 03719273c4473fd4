#include "backend/cpu/matmul.h"

#include <algorithm>
#include <functional>

#include "quant/format.h"

namespace ondol::cpu {
namespace {

/// Weight rows that are decoded together and then meet every row of x.
constexpr int64_t kRowsPerUnit = 16;

int64_t units_of(const MatmulJob& job) {
  return (job.weight.rows() + kRowsPerUnit - 1) / kRowsPerUnit;
}

void check_job(const MatmulJob& job) {
  ONDOL_CHECK(job.x.columns() == job.weight.columns());
  ONDOL_CHECK(job.out.columns() == job.weight.rows() && job.out.rows() == job.x.rows());
  ONDOL_CHECK(job.bias.empty() || job.bias.columns() == job.weight.rows());
}

/// Weight rows [begin, end) of one job by decoding and multiplying.
void multiply_rows(const CpuKernels& kernels, const MatmulJob& job, int64_t begin, int64_t end, float* decoded) {
  const int64_t n = job.weight.columns();
  for (int64_t row = begin; row < end; ++row) {
    format_of(job.weight.type()).decode(job.weight.row_bytes(row), decoded + (row - begin) * n, n);
  }
  const float* bias = job.bias.empty() ? nullptr : job.bias.f32();
  for (int64_t t = 0; t < job.x.rows(); ++t) {
    const float* x = job.x.f32(t);
    float* out = Tensor(job.out).f32(t);
    for (int64_t row = begin; row < end; ++row) {
      float value = kernels.dot(decoded + (row - begin) * n, x, n);
      if (bias != nullptr) value += bias[row];
      out[row] = job.accumulate ? out[row] + value : value;
    }
  }
}

}  // namespace

void MatmulScratch::reserve(int n_threads, size_t n_floats) {
  if (n_threads <= n_threads_ && n_floats <= n_floats_) return;
  n_threads_ = std::max(n_threads, n_threads_);
  n_floats_ = std::max((n_floats + 15) / 16 * 16, n_floats_);
  buffer_ = Buffer(static_cast<size_t>(n_threads_) * n_floats_ * sizeof(float));
}

void multiply(const CpuKernels& kernels, ThreadPool& pool, MatmulScratch& scratch, std::span<const MatmulJob> jobs) {
  int64_t n_units = 0;
  int64_t widest = 0;
  for (const MatmulJob& job : jobs) {
    check_job(job);
    n_units += units_of(job);
    widest = std::max(widest, job.weight.columns());
  }
  scratch.reserve(pool.size(), static_cast<size_t>(kRowsPerUnit * widest));
  auto body = [&](int64_t begin, int64_t end, int thread) {
    int64_t first = 0;
    for (const MatmulJob& job : jobs) {
      const int64_t last = first + units_of(job);
      for (int64_t unit = std::max(begin, first); unit < std::min(end, last); ++unit) {
        const int64_t row = (unit - first) * kRowsPerUnit;
        multiply_rows(kernels, job, row, std::min(row + kRowsPerUnit, job.weight.rows()), scratch.of_thread(thread));
      }
      first = last;
    }
  };
  pool.run(n_units, 1, std::ref(body));
}

}  // namespace ondol::cpu
