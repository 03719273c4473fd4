// What keys and values depend on, beside the tokens.
#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "runtime/engine.h"
#include "runtime/prefix_store.h"

namespace ondol {
namespace {

/// Hashes what it is given, one after another.
class Digest {
 public:
  void bytes(const void* data, size_t size) { hash_ = hash_bytes({static_cast<const uint8_t*>(data), size}, hash_); }
  void text(std::string_view text) { bytes(text.data(), text.size()); }
  void number(uint64_t number) { bytes(&number, sizeof(number)); }
  Hash128 hash() const { return hash_; }

 private:
  Hash128 hash_;
};

void add(Digest& digest, const MetaValue::Array& array) {
  std::visit(
      [&](const auto& values) {
        using Element = typename std::decay_t<decltype(values)>::value_type;
        digest.number(values.size());
        if constexpr (std::is_same_v<Element, std::string>) {
          for (const std::string& value : values) digest.text(value);
        } else if constexpr (std::is_same_v<Element, bool>) {
          for (const bool value : values) digest.number(value ? 1 : 0);
        } else {
          digest.bytes(values.data(), values.size() * sizeof(Element));
        }
      },
      array);
}

void add(Digest& digest, const MetaValue& meta) {
  digest.number(meta.value.index());
  std::visit(
      [&](const auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, MetaValue::Array>) {
          add(digest, value);
        } else if constexpr (std::is_same_v<Value, std::string>) {
          digest.text(value);
        } else {
          digest.bytes(&value, sizeof(value));
        }
      },
      meta.value);
}

/// Its place in the file's order, name, type, shape, and some of its bytes: reading all would take as long as the disk.
void add(Digest& digest, const TensorEntry& entry) {
  constexpr size_t kSample = 256;
  constexpr size_t kSamples = 4;
  digest.text(entry.name);
  digest.number(static_cast<uint64_t>(entry.tensor.type()));
  for (int i = 0; i < entry.tensor.shape().rank(); ++i) digest.number(static_cast<uint64_t>(entry.tensor.shape()[i]));
  const uint8_t* data = entry.tensor.bytes();
  const size_t size = entry.tensor.size_bytes();
  const size_t n = std::min(size, kSample);
  for (size_t i = 0; i < kSamples; ++i) digest.bytes(data + (size - n) * i / (kSamples - 1), n);
}

void add(Digest& digest, const KvLayer& layer) {
  for (const int64_t number :
       {static_cast<int64_t>(layer.k_type), static_cast<int64_t>(layer.v_type), int64_t{layer.k_order},
        int64_t{layer.v_order}, int64_t{layer.n_heads}, int64_t{layer.k_dim}, int64_t{layer.v_dim},
        int64_t{layer.v_in_k}, int64_t{layer.page_tokens}}) {
    digest.number(static_cast<uint64_t>(number));
  }
}

}  // namespace

Hash128 prefix_tag(Engine& engine) {
  Digest digest;
  digest.text(engine.model().config().architecture);
  for (const auto& [key, value] : engine.file().metadata()) {
    digest.text(key);
    add(digest, value);
  }
  for (const TensorEntry& entry : engine.file().tensors()) add(digest, entry);
  for (int i = 0; i < engine.cache().n_layers(); ++i) add(digest, engine.cache().layer(i));
  return digest.hash();
}

}  // namespace ondol
