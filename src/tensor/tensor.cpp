#include "tensor/tensor.h"

#include <sys/mman.h>

#include <fmt/format.h>

namespace ondol {

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", shape[i]);
  return text + "]";
}

Tensor Tensor::operator[](int64_t i) const {
  ONDOL_CHECK(shape_.rank() >= 2 && i >= 0 && i < shape_[0]);
  std::array<int64_t, Shape::kMaxRank> inner{};
  for (int d = 1; d < shape_.rank(); ++d) inner[static_cast<size_t>(d - 1)] = shape_[d];
  const Shape shape(std::span<const int64_t>(inner.data(), static_cast<size_t>(shape_.rank() - 1)));
  Tensor view = *this;
  view.data_ += static_cast<size_t>(i * shape.rows()) * row_stride_bytes_;
  view.shape_ = shape;
  return view;
}

Buffer::Buffer(size_t size_bytes) : size_bytes_(size_bytes) {
  if (size_bytes == 0) return;
  void* data = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  constexpr size_t kHugePage = size_t{2} << 20;
  if (size_bytes >= kHugePage) ::madvise(data, size_bytes, MADV_HUGEPAGE);
  data_ = std::shared_ptr<uint8_t>(static_cast<uint8_t*>(data), [size_bytes](uint8_t* p) { ::munmap(p, size_bytes); });
}

}  // namespace ondol
