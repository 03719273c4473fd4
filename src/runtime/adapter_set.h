// AdapterSet: the adapters that a text uses, each with a factor. Keeps them alive; copies are cheap.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/hash.h"
#include "nn/adapter.h"

namespace ondol {

class AdapterSet {
 public:
  struct Member {
    std::shared_ptr<const Adapter> adapter;
    float factor = 1.0f;
  };

  AdapterSet() = default;
  /// In any order: what is added up is the same. Factors of the same adapter are summed; one of 0 is left out.
  explicit AdapterSet(std::vector<Member> members);

  std::span<const AdapterUse> uses() const;
  bool empty() const { return body_ == nullptr; }

  /// The same for sets that add the same to a model: keys and values may be shared between their texts. Zero for the
  /// empty set.
  Hash128 key() const { return body_ ? body_->key : Hash128(); }
  bool operator==(const AdapterSet& other) const { return key() == other.key(); }

 private:
  struct Body {
    std::vector<std::shared_ptr<const Adapter>> owners;
    std::vector<AdapterUse> uses;
    Hash128 key;
  };
  std::shared_ptr<const Body> body_;  // null: none
};

}  // namespace ondol
