#include "nn/kv_cache.h"

#include <cstring>
#include <new>

#include <fmt/format.h>

namespace ondol {
namespace {

DType type_that_fits(DType wanted, int dim) {
  return dim % info_of(wanted).block_size == 0 ? wanted : DType::F16;
}

/// The order of the Hadamard matrices that spread outliers over a head, 0 for none: floats need no spreading.
int hadamard_order(DType type, int dim) {
  constexpr int kSmallest = 16;
  const int largest_power = dim & -dim;
  return info_of(type).block_size > 1 && largest_power >= kSmallest ? largest_power : 0;
}

KvLayer describe(const KvLayerShape& shape, KvTypes wanted) {
  KvLayer layer{};
  layer.k_type = type_that_fits(wanted.k, shape.k_dim);
  layer.v_type = type_that_fits(wanted.v, shape.v_dim);
  if (shape.v_in_k) {
    // Values are read from keys as they are, so both have to fit, and nothing is turned.
    layer.k_type = type_that_fits(layer.k_type, shape.v_dim);
    layer.v_type = layer.k_type;
  } else {
    layer.k_order = hadamard_order(layer.k_type, shape.k_dim);
    layer.v_order = hadamard_order(layer.v_type, shape.v_dim);
  }
  layer.n_heads = shape.n_heads;
  layer.k_dim = shape.k_dim;
  layer.v_dim = shape.v_dim;
  layer.v_in_k = shape.v_in_k;
  layer.page_tokens = kPageTokens;
  layer.k_row_bytes = row_bytes(layer.k_type, shape.k_dim);
  layer.v_row_bytes = row_bytes(layer.v_type, shape.v_dim);
  const size_t rows = static_cast<size_t>(shape.n_heads) * kPageTokens;
  layer.k_page_bytes = rows * layer.k_row_bytes;
  layer.v_page_bytes = shape.v_in_k ? 0 : rows * layer.v_row_bytes;
  return layer;
}

}  // namespace

KvSequence::KvSequence(KvSequence&& other) noexcept
    : cache_(other.cache_), pages_(std::move(other.pages_)), length_(std::exchange(other.length_, 0)) {
  other.pages_.clear();
}

KvSequence& KvSequence::operator=(KvSequence&& other) noexcept {
  if (this == &other) return *this;
  truncate(0);
  cache_ = other.cache_;
  pages_ = std::move(other.pages_);
  length_ = std::exchange(other.length_, 0);
  other.pages_.clear();
  return *this;
}

bool KvSequence::writes_shared() const {
  return length_ % kPageTokens != 0 && cache_->references(pages_.back()) > 1;
}

int KvSequence::pages_wanted(int n) const {
  if (n == 0) return 0;
  return (length_ + n + kPageTokens - 1) / kPageTokens - n_pages() + (writes_shared() ? 1 : 0);
}

Result<void> KvSequence::append(int n) {
  ONDOL_CHECK(n >= 0);
  if (n == 0) return {};
  if (pages_wanted(n) > cache_->n_free_pages() && cache_->give_up_) cache_->give_up_(pages_wanted(n));
  if (pages_wanted(n) > cache_->n_free_pages()) {
    return Error(fmt::format("the context is full: {} positions are in use and {} more were asked for", length_, n));
  }
  const auto wanted = static_cast<size_t>((length_ + n + kPageTokens - 1) / kPageTokens);
  if (writes_shared()) {
    const int32_t copy = cache_->copy_page(pages_.back());
    cache_->release_page(pages_.back());
    pages_.back() = copy;
  }
  while (pages_.size() < wanted) pages_.push_back(cache_->take_page());
  length_ += n;
  return {};
}

void KvSequence::truncate(int length) {
  ONDOL_CHECK(length >= 0 && length <= length_);
  const size_t kept = static_cast<size_t>((length + kPageTokens - 1) / kPageTokens);
  while (pages_.size() > kept) {
    cache_->release_page(pages_.back());
    pages_.pop_back();
  }
  length_ = length;
}

KvSequence KvSequence::fork(int length) const {
  ONDOL_CHECK(length >= 0 && length <= length_);
  KvSequence copy(*cache_);
  copy.pages_.assign(pages_.begin(), pages_.begin() + (length + kPageTokens - 1) / kPageTokens);
  for (const int32_t page : copy.pages_) ++cache_->references_[static_cast<size_t>(page)];
  copy.length_ = length;
  return copy;
}

void KvSequence::share_front(const KvSequence& other, int length) {
  ONDOL_CHECK(length >= 0 && length <= length_ && length <= other.length_);
  for (size_t i = 0; i < static_cast<size_t>(length / kPageTokens); ++i) {
    ++cache_->references_[static_cast<size_t>(other.pages_[i])];
    cache_->release_page(std::exchange(pages_[i], other.pages_[i]));
  }
}

size_t KvCache::bytes_per_position(std::span<const KvLayerShape> layers, KvTypes types) {
  size_t bytes = 0;
  for (const KvLayerShape& shape : layers) {
    const KvLayer layer = describe(shape, types);
    bytes += (layer.k_page_bytes + layer.v_page_bytes) / kPageTokens;
  }
  return bytes;
}

Result<KvCache> KvCache::create(std::span<const KvLayerShape> layers, KvTypes types, int64_t n_positions) {
  KvCache cache;
  const int64_t n_pages = (n_positions + kPageTokens - 1) / kPageTokens;
  try {
    for (const KvLayerShape& shape : layers) {
      KvLayer layer = describe(shape, types);
      const auto total = static_cast<size_t>(n_pages);
      cache.buffers_.emplace_back(total * layer.k_page_bytes);
      layer.k = cache.buffers_.back().data();
      cache.buffers_.emplace_back(total * layer.v_page_bytes);
      layer.v = cache.buffers_.back().data();
      cache.layers_.push_back(layer);
    }
  } catch (const std::bad_alloc&) {
    return Error(
        fmt::format("no memory for a context of {} positions ({} bytes each); ask for a smaller one with --ctx",
                    n_positions, bytes_per_position(layers, types)));
  }
  cache.references_.assign(static_cast<size_t>(n_pages), 0);
  for (int64_t page = n_pages - 1; page >= 0; --page) cache.free_pages_.push_back(static_cast<int32_t>(page));
  return cache;
}

int32_t KvCache::take_page() {
  ONDOL_CHECK(!free_pages_.empty());
  const int32_t page = free_pages_.back();
  free_pages_.pop_back();
  references_[static_cast<size_t>(page)] = 1;
  return page;
}

void KvCache::release_page(int32_t page) {
  if (--references_[static_cast<size_t>(page)] == 0) free_pages_.push_back(page);
}

size_t KvCache::page_bytes() const {
  size_t bytes = 0;
  for (const KvLayer& layer : layers_) bytes += layer.k_page_bytes + layer.v_page_bytes;
  return bytes;
}

void KvCache::read_page(int32_t page, std::span<uint8_t> bytes) const {
  ONDOL_CHECK(bytes.size() == page_bytes());
  uint8_t* to = bytes.data();
  const auto index = static_cast<size_t>(page);
  for (const KvLayer& layer : layers_) {
    std::memcpy(to, layer.k + index * layer.k_page_bytes, layer.k_page_bytes);
    to += layer.k_page_bytes;
    if (layer.v_page_bytes > 0) std::memcpy(to, layer.v + index * layer.v_page_bytes, layer.v_page_bytes);
    to += layer.v_page_bytes;
  }
}

void KvCache::write_page(int32_t page, std::span<const uint8_t> bytes) {
  ONDOL_CHECK(bytes.size() == page_bytes());
  const uint8_t* from = bytes.data();
  const auto index = static_cast<size_t>(page);
  for (const KvLayer& layer : layers_) {
    std::memcpy(layer.k + index * layer.k_page_bytes, from, layer.k_page_bytes);
    from += layer.k_page_bytes;
    if (layer.v_page_bytes > 0) std::memcpy(layer.v + index * layer.v_page_bytes, from, layer.v_page_bytes);
    from += layer.v_page_bytes;
  }
}

int32_t KvCache::copy_page(int32_t page) {
  const int32_t copy = take_page();
  for (const KvLayer& layer : layers_) {
    const auto from = static_cast<size_t>(page);
    const auto to = static_cast<size_t>(copy);
    std::memcpy(layer.k + to * layer.k_page_bytes, layer.k + from * layer.k_page_bytes, layer.k_page_bytes);
    if (layer.v_page_bytes > 0) {
      std::memcpy(layer.v + to * layer.v_page_bytes, layer.v + from * layer.v_page_bytes, layer.v_page_bytes);
    }
  }
  return copy;
}

}  // namespace ondol
