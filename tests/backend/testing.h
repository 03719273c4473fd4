// What the tests of the backend share: the instruction sets of this machine, random matrices, and comparisons.
#pragma once

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/backend.h"
#include "backend/cpu/dispatch.h"

namespace ondol::testing {

/// Every instruction set that this processor can run.
inline std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const char* name : {"ref", "avx2", "avx512", "amx", "neon"}) {
    if (cpu::select_kernels(name, cpu::detect_features())) names.push_back(name);
  }
  return names;
}

inline std::unique_ptr<Backend> backend(const std::string& instruction_set, int n_threads = 2) {
  auto created = create_cpu_backend({.n_threads = n_threads, .instruction_set = instruction_set});
  ONDOL_CHECK(created.has_value());
  return std::move(created).value();
}

/// An F32 matrix with gaps of `gap` floats between its rows, filled with a value that results must not touch.
struct Matrix {
  static constexpr float kGapValue = 1234.5f;

  Matrix() = default;
  Matrix(int64_t rows, int64_t columns, int64_t gap = 0)
      : owner(DType::F32, {std::max<int64_t>(rows, 1), columns + gap}) {
    for (int64_t r = 0; r < owner.tensor.rows(); ++r) std::fill_n(owner.tensor.f32(r), columns + gap, kGapValue);
    tensor = owner.tensor.slice_columns(0, columns).slice_rows(0, rows);
  }

  bool gaps_untouched() const {
    for (int64_t r = 0; r < tensor.rows(); ++r) {
      for (int64_t c = tensor.columns(); c < owner.tensor.columns(); ++c) {
        if (owner.tensor.f32(r)[c] != kGapValue) return false;
      }
    }
    return true;
  }

  float& at(int64_t row, int64_t column) { return tensor.f32(row)[column]; }
  float at(int64_t row, int64_t column) const { return tensor.f32(row)[column]; }

  OwnedTensor owner;
  Tensor tensor;
};

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  float normal(float deviation = 1.0f) { return deviation * normal_(engine_); }
  int below(int n) { return static_cast<int>(engine_() % static_cast<uint32_t>(n)); }

  Matrix matrix(int64_t rows, int64_t columns, float deviation = 1.0f, int64_t gap = 0) {
    Matrix result(rows, columns, gap);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) result.at(r, c) = normal(deviation);
    }
    return result;
  }

 private:
  std::mt19937 engine_;
  std::normal_distribution<float> normal_;
};

/// Runs of `order` elements times the normalised Hadamard matrix, by its entries: (-1)^(bits that i and j share).
inline std::vector<double> times_hadamard(const std::vector<double>& x, int order) {
  std::vector<double> result(x.size());
  const auto n = static_cast<size_t>(order);
  const double factor = 1.0 / std::sqrt(order);
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t first = i / n * n;
    for (size_t j = 0; j < n; ++j) {
      const bool odd = __builtin_popcountll((i - first) & j) % 2 == 1;
      result[i] += (odd ? -factor : factor) * x[first + j];
    }
  }
  return result;
}

inline Matrix copy_of(const Matrix& from) {
  Matrix result(from.tensor.rows(), from.tensor.columns(), from.owner.tensor.columns() - from.tensor.columns());
  for (int64_t r = 0; r < from.tensor.rows(); ++r)
    std::copy_n(from.tensor.f32(r), from.tensor.columns(), result.tensor.f32(r));
  return result;
}

/// The largest |got - expected| / (|expected| + floor).
inline double largest_error(const Matrix& got, const Matrix& expected, double floor) {
  double worst = 0;
  for (int64_t r = 0; r < expected.tensor.rows(); ++r) {
    for (int64_t c = 0; c < expected.tensor.columns(); ++c) {
      const double want = expected.at(r, c);
      const double error = std::fabs(static_cast<double>(got.at(r, c)) - want) / (std::fabs(want) + floor);
      if (!(error <= worst)) worst = error;  // NaN counts
    }
  }
  return worst;
}

inline bool same_bits(const Matrix& a, const Matrix& b) {
  for (int64_t r = 0; r < a.tensor.rows(); ++r) {
    for (int64_t c = 0; c < a.tensor.columns(); ++c) {
      if (__builtin_bit_cast(uint32_t, a.at(r, c)) != __builtin_bit_cast(uint32_t, b.at(r, c))) return false;
    }
  }
  return true;
}

}  // namespace ondol::testing
