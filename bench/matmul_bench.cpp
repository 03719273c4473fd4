// Matrix products by type of weights, instruction set and rows of x: bytes of weights read per second (decode is bound
// by this) and multiply-adds per second (prefill is bound by this).
//
//   matmul_bench --benchmark_filter='avx512/Q4_0/.*'
//
// Names are instruction set/type/rows of x. Up to 8 rows, the weights are far larger than any cache.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "backend/backend.h"
#include "quant/format.h"

namespace {

using ondol::DType;

constexpr int64_t kColumns = 2048;
constexpr int64_t kRows = 2048;

/// Blocks that decode to moderate numbers: every byte is small, so that scales are small numbers too.
ondol::OwnedTensor weights_of(DType type, int64_t n_matrices) {
  ondol::OwnedTensor weights(type, {n_matrices * kRows, kColumns});
  uint32_t state = 1;
  for (size_t i = 0; i < weights.tensor.size_bytes(); ++i) {
    state = state * 1664525u + 1013904223u;
    weights.tensor.bytes()[i] = static_cast<uint8_t>((state >> 27) + (type == DType::F32 ? 32 : 0));
  }
  return weights;
}

void multiply(benchmark::State& state, const std::string& instruction_set, DType type, int64_t n_rows) {
  const auto cpu = ondol::create_cpu_backend({.n_threads = 0, .instruction_set = instruction_set});
  const size_t matrix_bytes = ondol::row_bytes(type, kColumns) * kRows;
  const int64_t n_matrices = n_rows <= 8 ? static_cast<int64_t>((size_t{640} << 20) / matrix_bytes) : 4;
  const ondol::OwnedTensor weights = weights_of(type, n_matrices);
  ondol::OwnedTensor x(DType::F32, {n_rows, kColumns});
  for (int64_t i = 0; i < n_rows * kColumns; ++i) x.tensor.f32()[i] = static_cast<float>(i % 255 - 127);
  ondol::OwnedTensor out(DType::F32, {n_rows, kRows});
  int64_t next = 0;
  for (auto _ : state) {
    const ondol::Weight weight{weights.tensor.slice_rows(next * kRows, kRows), {}};
    const ondol::LinearJob job{&weight, out.tensor};
    (*cpu)->linear(x.tensor, {&job, 1});
    next = (next + 1) % n_matrices;
  }
  const auto calls = static_cast<double>(state.iterations());
  state.counters["GB/s"] =
      benchmark::Counter(calls * static_cast<double>(matrix_bytes) / 1e9, benchmark::Counter::kIsRate);
  state.counters["GMAC/s"] =
      benchmark::Counter(calls * static_cast<double>(n_rows * kRows * kColumns) / 1e9, benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  for (const char* instruction_set : {"ref", "avx2", "avx512", "amx", "neon"}) {
    if (!ondol::create_cpu_backend({.n_threads = 1, .instruction_set = instruction_set})) continue;
#define ONDOL_ADD(name, id, block, bytes)                                                                      \
  if (ondol::has_format(DType::name)) {                                                                        \
    for (const int64_t n_rows : {1, 2, 4, 8, 16, 32, 64, 512}) {                                                   \
      const std::string title = std::string(instruction_set) + "/" #name "/" + std::to_string(n_rows);         \
      benchmark::RegisterBenchmark(title.c_str(), multiply, std::string(instruction_set), DType::name, n_rows) \
          ->UseRealTime()                                                                                      \
          ->Unit(benchmark::kMicrosecond);                                                                     \
    }                                                                                                          \
  }
    ONDOL_DTYPES(ONDOL_ADD)
#undef ONDOL_ADD
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
