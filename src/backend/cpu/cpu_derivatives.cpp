#include "backend/cpu/cpu_derivatives.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "backend/cpu/gradients.h"

namespace ondol::cpu {
namespace {

/// Row `row`, decoded into `memory` where it is not floats already.
const float* in_floats(const CpuKernels& kernels, const Tensor& x, int64_t row, float* memory) {
  if (x.type() == DType::F32) return x.f32(row);
  ONDOL_CHECK(x.type() == DType::BF16);
  kernels.from_bf16(reinterpret_cast<const uint16_t*>(x.row_bytes(row)), memory, x.columns());
  return memory;
}

float largest_of(const float* x, int64_t n);

double log_sum_exp(const float* x, int64_t n) {
  const float largest = largest_of(x, n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(std::exp(x[i] - largest));
  return static_cast<double>(largest) + std::log(sum);
}

float largest_of(const float* x, int64_t n) {
  constexpr int64_t kChains = 16;
  float chains[kChains];
  std::fill_n(chains, kChains, x[0]);
  int64_t i = 0;
  for (; i + kChains <= n; i += kChains) {
    for (int64_t j = 0; j < kChains; ++j) chains[j] = std::max(chains[j], x[i + j]);
  }
  for (; i < n; ++i) chains[0] = std::max(chains[0], x[i]);
  return *std::max_element(chains, chains + kChains);
}

}  // namespace

void CpuDerivatives::copy(const Tensor& from, Tensor to) {
  ONDOL_CHECK(from.shape() == to.shape() && (to.type() == DType::F32 || to.type() == DType::BF16));
  for_rows(from.rows(), from.columns(), [&](int64_t row) {
    if (to.type() == DType::F32) {
      std::memcpy(to.f32(row), from.f32(row), row_bytes(DType::F32, from.columns()));
    } else {
      kernels_.to_bf16(from.f32(row), reinterpret_cast<uint16_t*>(to.row_bytes(row)), from.columns());
    }
  });
}

void CpuDerivatives::set_zero(Tensor x) {
  for_rows(x.rows(), x.columns(),
           [&](int64_t row) { std::memset(x.row_bytes(row), 0, row_bytes(x.type(), x.columns())); });
}

void CpuDerivatives::sum_rows(const Tensor& dy, Tensor dbias) {
  ONDOL_CHECK(dbias.shape().elements() == dy.columns());
  float* sums = dbias.f32();
  for_columns(dy.columns(), dy.rows(), [&](int64_t first, int64_t n) {
    for (int64_t row = 0; row < dy.rows(); ++row) {
      for (int64_t c = first; c < first + n; ++c) sums[c] += dy.f32(row)[c];
    }
  });
}

void CpuDerivatives::embed(const Tensor& dy, std::span<const int32_t> ids, Tensor dtable) {
  ONDOL_CHECK(static_cast<int64_t>(ids.size()) == dy.rows() && dtable.columns() == dy.columns());
  // By columns, so that a token that occurs twice is added up in order whatever the threads.
  for_columns(dy.columns(), dy.rows(), [&](int64_t first, int64_t n) {
    for (int64_t row = 0; row < dy.rows(); ++row) {
      float* to = dtable.f32(ids[static_cast<size_t>(row)]);
      for (int64_t c = first; c < first + n; ++c) to[c] += dy.f32(row)[c];
    }
  });
}

void CpuDerivatives::rms_norm(const Tensor& x, int width, const Tensor& weight, float epsilon, Tensor dy,
                              Tensor dweight) {
  ONDOL_CHECK(x.columns() % width == 0 && x.rows() == dy.rows() && x.columns() == dy.columns());
  const int64_t per_row = x.columns() / width;
  const int64_t n = x.rows() * per_row;
  const auto part = [&](auto& tensor, int64_t i) { return tensor.f32(i / per_row) + i % per_row * width; };
  if (!dweight.empty()) {
    float* factors = of_rows_.floats(static_cast<size_t>(n));
    for_rows(n, width, [&](int64_t i) {
      const float* values = part(x, i);
      factors[i] = 1.0f / std::sqrt(kernels_.dot(values, values, width) / static_cast<float>(width) + epsilon);
    });
    float* sums = dweight.f32();
    for_columns(width, n, [&](int64_t first, int64_t columns) {
      for (int64_t i = 0; i < n; ++i) {
        const float* values = part(x, i);
        const float* gradient = part(dy, i);
        for (int64_t c = first; c < first + columns; ++c) sums[c] += gradient[c] * values[c] * factors[i];
      }
    });
  }
  const float* w = weight.empty() ? nullptr : weight.f32();
  for_rows(n, 4 * width, [&](int64_t i) { kernels_.rms_norm_gradient(part(x, i), w, epsilon, part(dy, i), width); });
}

void CpuDerivatives::layer_norm(const Tensor& x, const Tensor& weight, float epsilon, Tensor dy, Tensor dweight,
                                Tensor dbias) {
  ONDOL_CHECK(x.rows() == dy.rows() && x.columns() == dy.columns());
  if (!dbias.empty()) sum_rows(dy, dbias);
  const float* w = weight.empty() ? nullptr : weight.f32();
  Tensor before;
  if (!dweight.empty()) {
    before = flipped_.matrix(dy.rows(), dy.columns());
    for_rows(dy.rows(), dy.columns(), [&](int64_t row) { std::copy_n(dy.f32(row), dy.columns(), before.f32(row)); });
  }
  float* centres = of_rows_.floats(static_cast<size_t>(2 * x.rows()));
  for_rows(x.rows(), 6 * x.columns(), [&](int64_t row) {
    const auto centre = gradients::layer_norm(x.f32(row), w, epsilon, dy.f32(row), x.columns());
    centres[2 * row] = centre.mean;
    centres[2 * row + 1] = centre.factor;
  });
  if (dweight.empty()) return;
  float* sums = dweight.f32();
  for_columns(x.columns(), x.rows(), [&](int64_t first, int64_t n) {
    for (int64_t row = 0; row < x.rows(); ++row) {
      const float mean = centres[2 * row];
      const float factor = centres[2 * row + 1];
      for (int64_t c = first; c < first + n; ++c) sums[c] += before.f32(row)[c] * (x.f32(row)[c] - mean) * factor;
    }
  });
}

/// A rotation's transpose turns back; cosines and sines may carry a factor, which stays.
void CpuDerivatives::rope(Tensor dy, int head_dim, int offset, const Tensor& angles, RopePairs pairs) {
  const auto n_pairs = static_cast<int>(angles.columns() / 2);
  ONDOL_CHECK(head_dim > 0 && dy.columns() % head_dim == 0 && angles.rows() == dy.rows());
  float* of_threads = of_threads_.floats(static_cast<size_t>(n_pairs * pool_.size()));
  auto chunk = [&](int64_t begin, int64_t rows_end, int thread) {
    float* sines = of_threads + n_pairs * thread;
    for (int64_t row = begin; row < rows_end; ++row) {
      const float* cosines = angles.f32(row);
      std::transform(cosines + n_pairs, cosines + 2 * n_pairs, sines, std::negate<>());
      float* end = dy.f32(row) + dy.columns();
      for (float* head = dy.f32(row) + offset; head < end; head += head_dim) {
        if (pairs == RopePairs::kHalves) {
          kernels_.rope_halves(head, head + n_pairs, cosines, sines, n_pairs);
        } else {
          kernels_.rope_interleaved(head, cosines, sines, n_pairs);
        }
      }
    }
  };
  pool_.run(dy.rows(), std::max<int64_t>(1, 8192 / dy.columns()), std::ref(chunk));
}

void CpuDerivatives::activate(const Tensor& x, Activation activation, Tensor dy) {
  for_rows(x.rows(), 16 * x.columns(), [&](int64_t row) {
    for (int64_t c = 0; c < x.columns(); ++c) dy.f32(row)[c] *= gradients::slope_of(activation, x.f32(row)[c]);
  });
}

void CpuDerivatives::gated_unit(const Tensor& gate, const Tensor& up, const GatedUnit& unit, Tensor dy, Tensor dup) {
  const bool is_swiglu = !unit.clamped_swiglu && unit.activation == Activation::kSilu;
  if (!is_swiglu) {
    return for_rows(gate.rows(), 16 * gate.columns(), [&](int64_t row) {
      std::vector<float> g(static_cast<size_t>(gate.columns()));
      std::vector<float> u(g.size());
      gradients::gated_unit(in_floats(kernels_, gate, row, g.data()), in_floats(kernels_, up, row, u.data()), unit,
                            dy.f32(row), dup.f32(row), gate.columns());
    });
  }
  // The usual unit, with the sigmoids from the fast kernel: silu' = s + silu (1 - s).
  const int64_t n = gate.columns();
  float* scratch = of_threads_.floats(static_cast<size_t>(3 * n * pool_.size()));
  auto chunk = [&](int64_t begin, int64_t end, int thread) {
    float* s = scratch + 3 * n * thread;
    for (int64_t row = begin; row < end; ++row) {
      const float* g = in_floats(kernels_, gate, row, s + n);
      const float* u = in_floats(kernels_, up, row, s + 2 * n);
      std::copy_n(g, n, s);
      kernels_.sigmoid(s, n);
      kernels_.silu_gate_gradient(g, s, u, dy.f32(row), dup.f32(row), n);
    }
  };
  pool_.run(gate.rows(), 1, std::ref(chunk));
}

void CpuDerivatives::scale_columns(const Tensor& x, const Tensor& factors, Tensor dy, Tensor dfactors) {
  ONDOL_CHECK(factors.shape().elements() == dy.columns());
  const float* by = factors.f32();
  float* sums = dfactors.empty() ? nullptr : dfactors.f32();
  for_columns(dy.columns(), 2 * dy.rows(), [&](int64_t first, int64_t n) {
    for (int64_t row = 0; row < dy.rows(); ++row) {
      float* gradient = dy.f32(row);
      for (int64_t c = first; c < first + n; ++c) {
        if (sums != nullptr) sums[c] += gradient[c] * x.f32(row)[c];
        gradient[c] *= by[c];
      }
    }
  });
}

double CpuDerivatives::cross_entropy(const Tensor& logits, std::span<const int32_t> targets, float weight,
                                     Tensor dlogits) {
  ONDOL_CHECK(logits.rows() == static_cast<int64_t>(targets.size()));
  const int64_t n = logits.columns();
  float* losses = of_rows_.floats(targets.size());
  for_rows(logits.rows(), 4 * n, [&](int64_t row) {
    const int32_t target = targets[static_cast<size_t>(row)];
    ONDOL_CHECK(target >= 0 && target < n);
    const float* z = logits.f32(row);
    float* p = dlogits.f32(row);
    const float largest = largest_of(z, n);
    const float of_target = z[target];
    if (p != z) std::copy_n(z, n, p);
    kernels_.softmax(p, n);
    // p of the target may be too small for a float; the likeliest token's is one by the sum.
    losses[row] = p[target] > 1e-30f ? -std::log(p[target]) : largest - of_target - std::log(largest_of(p, n));
    kernels_.scale(p, weight, n);
    p[target] -= weight;
  });
  double sum = 0;
  for (int64_t row = 0; row < logits.rows(); ++row) sum += static_cast<double>(losses[row]);
  return sum;
}

double CpuDerivatives::divergence(const Tensor& logits, Tensor reference, float weight, Tensor dlogits) {
  ONDOL_CHECK(logits.shape() == reference.shape());
  const int64_t n = logits.columns();
  float* losses = of_rows_.floats(static_cast<size_t>(logits.rows()));
  for_rows(logits.rows(), 8 * n, [&](int64_t row) {
    const float* z = logits.f32(row);
    float* p = dlogits.f32(row);
    float* r = reference.f32(row);
    // sum r (log r - log p) = sum r (y - z) - log sum exp y + log sum exp z: one subtraction of what is nearly equal.
    double difference = -log_sum_exp(r, n) + log_sum_exp(z, n);
    const std::vector<float> y(r, r + n);
    kernels_.softmax(r, n);
    for (int64_t i = 0; i < n; ++i) {
      difference +=
          static_cast<double>(r[i]) * (static_cast<double>(y[static_cast<size_t>(i)]) - static_cast<double>(z[i]));
    }
    losses[row] = static_cast<float>(difference);
    if (p != z) std::copy_n(z, n, p);
    kernels_.softmax(p, n);
    for (int64_t i = 0; i < n; ++i) p[i] = weight * (p[i] - r[i]);
  });
  double sum = 0;
  for (int64_t row = 0; row < logits.rows(); ++row) sum += static_cast<double>(losses[row]);
  return sum;
}

void CpuDerivatives::softcap(const Tensor& y, float cap, Tensor dy) {
  for_rows(y.rows(), 2 * y.columns(), [&](int64_t row) {
    for (int64_t c = 0; c < y.columns(); ++c) {
      const float inner = y.f32(row)[c] / cap;
      dy.f32(row)[c] *= 1.0f - inner * inner;
    }
  });
}

void CpuDerivatives::route(const Tensor& logits, const RouteParams& params, std::span<const int32_t> ids,
                           const Tensor& dweights, Tensor dlogits) {
  const auto n_used = static_cast<size_t>(params.n_used);
  for_rows(logits.rows(), 16 * logits.columns(), [&](int64_t row) {
    gradients::route(logits.f32(row), logits.columns(), params, ids.data() + static_cast<size_t>(row) * n_used,
                     dweights.f32(row), dlogits.f32(row));
  });
}

}  // namespace ondol::cpu
