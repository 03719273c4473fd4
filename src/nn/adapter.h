// Adapter: low-rank additions to the weights of a model (LoRA; Hu et al., 2021): y = W x + B (A x).
//
// The weights themselves stay as they are, so texts with different adapters, or none, share one model and one pass.
// linear.h applies them to the rows of a batch that ask for them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "tensor/tensor.h"

namespace ondol {

/// What is added to one weight [H, D].
struct LowRank {
  Tensor a;  // F32 [r, D]
  Tensor b;  // F32 [H, r], with the adapter's own scale in it
};

class Adapter {
 public:
  explicit Adapter(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  size_t size_bytes() const;
  /// The same for adapters that add the same to the weights of the same names, wherever they were read from.
  const Hash128& content() const { return content_; }

  /// Adds to `matrix` [H, D], the model's weight of this name. Both parts are copied; b is multiplied by `scale`.
  void add(std::string_view weight, const Tensor& matrix, const Tensor& a, const Tensor& b, float scale);

  /// What is added to this weight, or to these rows of one; nothing if it stays as it is.
  std::optional<LowRank> find(const Tensor& matrix) const;

 private:
  struct Entry {
    Tensor matrix;
    LowRank parts;
  };
  std::string name_;
  Hash128 content_;
  std::map<const uint8_t*, Entry> entries_;  // by where the matrix begins
  std::vector<Buffer> memory_;
};

/// An adapter in use, with a factor of the user's.
struct AdapterUse {
  const Adapter* adapter = nullptr;
  float factor = 1.0f;
  bool operator==(const AdapterUse&) const = default;
};

/// Rows [first_row, first_row + n_rows) of a batch that use an adapter.
struct AdapterRows {
  AdapterUse use;
  int first_row = 0;
  int n_rows = 0;
};

}  // namespace ondol
