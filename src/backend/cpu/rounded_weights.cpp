#include "backend/cpu/rounded_weights.h"

#include <algorithm>
#include <functional>

#include "quant/format.h"
#include "quant/q8_0.h"

namespace ondol::cpu {
namespace {

constexpr int64_t kBlock = 32;

/// Adding this to a float below 2^22 leaves the nearest whole number in its low bits.
constexpr float kToWhole = 12582912.0f;

void round_block(const float* values, BlockQ8_0* block) {
  float largest = 0;
  for (int64_t i = 0; i < kBlock; ++i) largest = std::max(largest, std::abs(values[i]));
  block->d = f32_to_f16(largest / 127.0f);
  const float scale = f16_to_f32(block->d);
  const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
  for (int64_t i = 0; i < kBlock; ++i) {
    const float level = std::min(127.0f, std::max(-127.0f, values[i] * inverse));
    block->qs[i] = static_cast<int8_t>(f32_to_bits(level + kToWhole) - f32_to_bits(kToWhole));
  }
}

}  // namespace

void round_row(DType type, const float* values, int64_t n, uint8_t* out) {
  if (type == DType::Q8_0) {
    auto* blocks = reinterpret_cast<BlockQ8_0*>(out);
    for (int64_t i = 0; i < n / kBlock; ++i) round_block(values + i * kBlock, blocks + i);
  } else {
    format_of(type).encode(values, nullptr, out, n);
  }
}

Tensor RoundedWeights::add(const Tensor& matrix) {
  const size_t size_bytes = row_bytes(DType::Q8_0, matrix.columns()) * static_cast<size_t>(matrix.rows());
  if (n_ == memory_.size()) memory_.emplace_back();
  Buffer& memory = memory_[n_++];
  if (memory.size_bytes() < size_bytes) {
    memory = Buffer();
    memory = Buffer(size_bytes);
  }
  Tensor out(DType::Q8_0, matrix.shape(), memory.data());
  auto rows = [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      round_row(DType::Q8_0, matrix.f32(row), matrix.columns(), out.row_bytes(row));
    }
  };
  constexpr int64_t kRowsOfChunk = 16;
  pool_.run(matrix.rows(), kRowsOfChunk, std::ref(rows));
  return out;
}

}  // namespace ondol::cpu
