#include "nn/context.h"

#include <algorithm>

namespace ondol {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

uint8_t* Arena::allocate(size_t size_bytes) {
  size_bytes = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
  while (top_.chunk < chunks_.size() && chunks_[top_.chunk].size_bytes() - top_.used < size_bytes) {
    top_ = {top_.chunk + 1, 0};
  }
  if (top_.chunk == chunks_.size()) {
    chunks_.emplace_back((size_bytes + min_chunk_bytes_ - 1) / min_chunk_bytes_ * min_chunk_bytes_);
  }
  uint8_t* start = chunks_[top_.chunk].data() + top_.used;
  top_.used += size_bytes;
  return start;
}

Tensor Arena::f32(Shape shape) {
  return Tensor(DType::F32, shape, allocate(static_cast<size_t>(shape.elements()) * sizeof(float)));
}

std::span<uint8_t> Arena::chunk_of(const void* address) const {
  const auto* byte = static_cast<const uint8_t*>(address);
  for (const Buffer& chunk : chunks_) {
    if (byte >= chunk.data() && byte < chunk.data() + chunk.size_bytes()) return {chunk.data(), chunk.size_bytes()};
  }
  return {};
}

std::span<int32_t> Arena::ids(size_t n) {
  return {reinterpret_cast<int32_t*>(allocate(n * sizeof(int32_t))), n};
}

}  // namespace ondol
