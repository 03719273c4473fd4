// WeightLoader: what an architecture reads from a ModelFile, checked. It owns the limits on metadata and the form of
// the messages, and copies of the few vectors that are not F32 in the file.
//
// Whatever it returns can be computed with: sizes are in range and agree with one another, shapes are those asked for,
// types can be multiplied with. A forward pass need not check again. Metadata keys are given without the architecture's
// prefix ("block_count"), tensors with their full names, weights by the stem before ".weight" and ".bias".
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "formats/model_file.h"
#include "models/model.h"
#include "nn/attention.h"
#include "nn/mlp.h"

namespace ondol {

/// Largest sizes that are believed. Real models are far below; products of two of them fit 64 bits, and counts fit int.
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxWidth = int64_t{1} << 20;  // of the residual stream, of all heads, of an inner layer
constexpr int64_t kMaxHeads = 1024;
constexpr int64_t kMaxHeadDim = 1024;
constexpr int64_t kMaxExperts = 4096;
constexpr int64_t kMaxVocabulary = int64_t{1} << 24;
constexpr int64_t kMaxContext = int64_t{1} << 30;

/// The projections of an attention layer.
struct QkvWeights {
  Weight q;  // [n_heads * k_dim, D]
  Weight k;  // [n_kv_heads * k_dim, D]
  Weight v;  // [n_kv_heads * v_dim, D]
};

class WeightLoader {
 public:
  /// `file` is kept by memory().
  explicit WeightLoader(std::shared_ptr<const ModelFile> file, std::string architecture);

  const ModelFile& file() const { return *memory_->file; }
  const std::string& architecture() const { return architecture_; }

  /// What the tensors that this loader gave point into.
  std::shared_ptr<const void> memory() const { return memory_; }

  /// The matrices that weight() and what is built on it gave, by their stems.
  const std::map<std::string, Tensor, std::less<>>& matrices() const { return matrices_; }

  // Metadata. Values outside [low, high] are errors.
  bool has_key(std::string_view key) const;
  Result<int64_t> integer(std::string_view key, int64_t low, int64_t high) const;
  Result<int64_t> integer_or(std::string_view key, int64_t fallback, int64_t low, int64_t high) const;
  Result<double> number(std::string_view key, double low, double high) const;
  Result<double> number_or(std::string_view key, double fallback, double low, double high) const;
  Result<bool> flag_or(std::string_view key, bool fallback) const;
  Result<std::string> text_or(std::string_view key, std::string_view fallback) const;
  /// One value for each of n_layers: an array with as many elements, or one number for all.
  Result<std::vector<int64_t>> per_layer(std::string_view key, int n_layers, int64_t low, int64_t high) const;

  /// Architecture, vocabulary, width, layers, context and the token embedding's shape, of a model with causal
  /// attention. kv_layers is left to add_attention.
  Result<ModelConfig> decoder_config() const;
  /// Heads and their dimensions for each layer ("attention.head_count" and so on), entered into config.kv_layers too.
  /// The scale is 1 / sqrt(k_dim) unless "attention.scale" says otherwise; windows are not set.
  Result<std::vector<AttentionParams>> attention_layers(ModelConfig& config) const;
  /// Sets the windows of the layers: "attention.sliding_window" (0 is none) for those that
  /// "attention.sliding_window_pattern" marks. That is a flag for each layer, or a number n by which the last of every
  /// n layers attends to everything (1: all layers do; 0: none does). The defaults are used where a key is absent.
  Result<void> set_windows(std::vector<AttentionParams>& layers, int64_t default_pattern,
                           int64_t default_window = 0) const;
  /// "feed_forward_length" of layer i.
  Result<int64_t> inner_width(int i, int n_layers) const;
  /// "attention.layer_norm_rms_epsilon".
  Result<float> rms_epsilon() const;

  // Tensors. A missing one is an error unless the name says otherwise.
  bool has_tensor(std::string_view name) const { return file().find_tensor(name) != nullptr; }
  /// stem.weight with this shape, and stem.bias [shape[0]] if the file has it.
  Result<Weight> weight(const std::string& stem, Shape shape);
  /// F32 [n], converted if it is stored in another floating type.
  Result<Tensor> vector(const std::string& name, int64_t n);
  Result<Tensor> optional_vector(const std::string& name, int64_t n);  // empty when absent
  /// stem.weight [sum of rows, D] cut into weights of rows[i] rows each, with the bias likewise.
  Result<std::vector<Weight>> fused(const std::string& stem, std::span<const int64_t> rows, int64_t width);

  /// prefix + "attn_q", "attn_k" and "attn_v", or the fused prefix + "attn_qkv".
  Result<QkvWeights> qkv(const std::string& prefix, const AttentionParams& params, int64_t width);
  /// prefix + "ffn_gate", "ffn_up" and "ffn_down"; without "ffn_gate", "ffn_up" [2F, D] holds the gate above up.
  Result<GatedMlp> gated_mlp(const std::string& prefix, int64_t inner, int64_t width);
  /// prefix + "ffn_gate_exps", "ffn_up_exps" and "ffn_down_exps" for `n_experts` experts with inner width F: stacked
  /// tensors ([E, F, D]; "ffn_gate_up_exps" [E, 2F, D] holds gate above up), or one tensor for each expert
  /// ("ffn_gate_exps.3.weight", or "ffn_gate.3.weight" as in old files).
  Result<Experts> experts(const std::string& prefix, int64_t n_experts, int64_t inner, int64_t width);
  /// "output", or the token embedding where the file ties them.
  Result<Weight> output(const ModelConfig& config);

 private:
  struct Memory {
    std::shared_ptr<const ModelFile> file;
    std::vector<Buffer> copies;
  };

  std::string full_key(std::string_view key) const { return architecture_ + "." + std::string(key); }
  Error at_tensor(std::string_view name, std::string_view what) const;
  Result<Tensor> matrix(const std::string& name, const Shape& shape);
  Result<std::vector<Weight>> expert_matrices(const std::string& prefix, const std::string& kind, int64_t n_experts,
                                              Shape shape);
  Result<std::vector<Weight>> stacked_experts(const std::string& stem, int64_t n_experts, Shape shape);

  Result<std::vector<bool>> window_pattern(size_t n_layers, int64_t default_pattern) const;

  std::shared_ptr<Memory> memory_;
  std::map<std::string, Tensor, std::less<>> matrices_;
  std::string architecture_;
};

}  // namespace ondol
