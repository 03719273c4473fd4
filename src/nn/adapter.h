// Adapter: low-rank additions to the weights of a model (LoRA; Hu et al., 2021): y = W x + B (A x). Those of DoRA (Liu
// et al., 2024) also set how long each row of W + B A is: y = (m / |W + B A|) (W x + B (A x)).
//
// The weights themselves stay as they are, so texts with different adapters, or none, share one model and one pass.
// linear.h applies them to the rows of a batch that ask for them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/thread_pool.h"
#include "tensor/tensor.h"

namespace ondol {

/// What is added to one weight [H, D].
struct LowRank {
  Tensor a;             // F32 [r, D]
  Tensor b;             // F32 [H, r], with the adapter's own scale in it
  Tensor stretch = {};  // F32 [H, 1]: what the sum is multiplied with, m / |W + B A| of DoRA; or empty
};

/// The length of every row of W + scale * B A, in the order of the rows: `lengths` has as many elements as W [H, D] has
/// rows. Computed in double, so that it is the same wherever it is asked for.
void row_lengths(const Tensor& matrix, const Tensor& a, const Tensor& b, float scale, std::span<float> lengths,
                 ThreadPool* threads = nullptr);

class Adapter {
 public:
  explicit Adapter(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  size_t size_bytes() const;
  /// The same for adapters that add the same to the weights of the same names, wherever they were read from.
  const Hash128& content() const { return content_; }

  /// Adds to `matrix` [H, D], the model's weight of this name. All parts are copied; b is multiplied by `scale`.
  /// `magnitudes`, if any, are DoRA's: F32, how long each of the H rows becomes.
  void add(std::string_view weight, const Tensor& matrix, const Tensor& a, const Tensor& b, float scale,
           const Tensor& magnitudes = {});

  /// Whether any weight's rows are stretched.
  bool has_stretches() const { return has_stretches_; }

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
  bool has_stretches_ = false;
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
