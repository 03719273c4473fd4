// KvCache: the keys and values of all sequences, in pages that sequences can share.
//
// One page id stands for the same stretch of positions in every layer. Pages are counted, so a sequence that begins
// like another shares its full pages; a page that is shared is copied before it is written to. Memory is reserved for
// all pages at once and touched as they are first used.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "backend/kv_layer.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace ondol {

/// What one layer stores for a position.
struct KvLayerShape {
  int n_heads = 0;
  int k_dim = 0;
  int v_dim = 0;
  bool v_in_k = false;  // latent attention: the value is the start of the key
};

/// How precisely a cache holds keys and values: each F32, F16, Q8_0 or Q4_0. Keys in F16 or Q8_0 beside values in fewer
/// bits cost less quality than the other way round.
struct KvTypes {
  KvTypes(DType both) : k(both), v(both) {}  // NOLINT(google-explicit-constructor): one type is the usual case
  KvTypes(DType keys, DType values) : k(keys), v(values) {}
  DType k;
  DType v;
};

constexpr int kPageTokens = 32;

class KvCache;

/// The cache of one timeline: which pages hold its positions. Freed pages return to the cache that made it.
class KvSequence {
 public:
  explicit KvSequence(KvCache& cache) : cache_(&cache) {}
  ~KvSequence() { truncate(0); }
  KvSequence(KvSequence&& other) noexcept;
  KvSequence& operator=(KvSequence&& other) noexcept;

  int length() const { return length_; }
  const int32_t* pages() const { return pages_.data(); }
  int n_pages() const { return static_cast<int>(pages_.size()); }

  /// Free pages that append(n) would take.
  int pages_wanted(int n) const;

  /// Makes room for `n` more positions and counts them as present. Fails, changing nothing, when pages run out and
  /// whoever keeps some (KvCache::on_shortage) can give up none.
  Result<void> append(int n);
  /// Keeps the first `length` positions.
  void truncate(int length);
  /// A new sequence with the same first `length` positions, sharing their pages.
  KvSequence fork(int length) const;
  /// Gives up its own full pages of the first `length` positions for the other's, which must hold the same.
  void share_front(const KvSequence& other, int length);

 private:
  friend class KvCache;
  bool writes_shared() const;

  KvCache* cache_;
  std::vector<int32_t> pages_;
  int length_ = 0;
};

class KvCache {
 public:
  /// Room for `n_positions` over all sequences. Where a dimension is no multiple of 32, F16 takes the place of a block
  /// type. Block types are stored turned (kv_layer.h), but for latent attention.
  static Result<KvCache> create(std::span<const KvLayerShape> layers, KvTypes types, int64_t n_positions);

  const KvLayer& layer(int i) const { return layers_[static_cast<size_t>(i)]; }
  int n_layers() const { return static_cast<int>(layers_.size()); }
  int n_free_pages() const { return static_cast<int>(free_pages_.size()); }
  int n_pages() const { return static_cast<int>(references_.size()); }
  /// Sequences that hold the page.
  int references(int32_t page) const { return references_[static_cast<size_t>(page)]; }

  /// Called when a sequence wants more free pages than there are; it may truncate other sequences.
  void on_shortage(std::function<void(int n_pages)> give_up) { give_up_ = std::move(give_up); }

  /// What a page holds in all layers, to save it and bring it back.
  size_t page_bytes() const;
  void read_page(int32_t page, std::span<uint8_t> bytes) const;
  void write_page(int32_t page, std::span<const uint8_t> bytes);

  /// Bytes that one position takes in all layers, for plans.
  static size_t bytes_per_position(std::span<const KvLayerShape> layers, KvTypes types);

 private:
  friend class KvSequence;
  int32_t take_page();
  void release_page(int32_t page);
  int32_t copy_page(int32_t page);

  std::vector<KvLayer> layers_;
  std::vector<Buffer> buffers_;
  std::vector<int> references_;      // per page
  std::vector<int32_t> free_pages_;  // the last one is taken first
  std::function<void(int)> give_up_;
};

}  // namespace ondol
