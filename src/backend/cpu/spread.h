// CpuBackend's parallel loops. Small matrices stay on the calling thread: waking another costs more than they do.
#pragma once

#include <algorithm>
#include <functional>

#include "backend/cpu/cpu_backend.h"

namespace ondol::cpu {

/// Elementwise operations that are worth a chunk of their own: some microseconds.
constexpr int64_t kChunkCost = 16384;

template <typename Body>
void CpuBackend::for_rows(int64_t rows, int64_t cost, Body body) {
  auto chunk = [&](int64_t begin, int64_t end, int thread) {
    for (int64_t row = begin; row < end; ++row) body(row, thread);
  };
  // The reference wrapper keeps std::function from allocating.
  pool_.run(rows, std::max<int64_t>(1, kChunkCost / std::max<int64_t>(1, cost)), std::ref(chunk));
}

template <typename Body>
void CpuBackend::for_parts(int64_t rows, int64_t columns, Body body) {
  constexpr int64_t kPart = 4096;
  const int64_t parts = (columns + kPart - 1) / kPart;
  for_rows(rows * parts, std::min(columns, kPart), [&](int64_t i, int) {
    const int64_t column = i % parts * kPart;
    body(i / parts, column, std::min(kPart, columns - column));
  });
}

}  // namespace ondol::cpu
