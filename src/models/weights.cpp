#include "models/weights.h"

#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "quant/format.h"

namespace ondol {
namespace {

/// Without leading ones, which some writers leave out.
Shape trimmed(const Shape& shape) {
  std::vector<int64_t> dims;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] != 1 || !dims.empty() || i + 1 == shape.rank()) dims.push_back(shape[i]);
  }
  return Shape(dims);
}

size_t alignment_of(DType type) {
  if (type == DType::F32) return alignof(float);
  return alignof(uint16_t);  // half floats, and the scales of blocks
}

Tensor vector_slice(const Tensor& vector, int64_t begin, int64_t n) {
  if (vector.empty()) return {};
  Tensor source = vector;
  return Tensor(DType::F32, {n}, source.f32() + begin);
}

}  // namespace

WeightLoader::WeightLoader(std::shared_ptr<const ModelFile> file, std::string architecture)
    : memory_(std::make_shared<Memory>()), architecture_(std::move(architecture)) {
  memory_->file = std::move(file);
}

Error WeightLoader::at_tensor(std::string_view name, std::string_view what) const {
  return Error(fmt::format("{}: tensor '{}': {}", file().path(), name, what));
}

Result<Tensor> WeightLoader::matrix(const std::string& name, const Shape& shape) {
  const Tensor* tensor = file().find_tensor(name);
  if (tensor == nullptr)
    return at_tensor(name, fmt::format("expected {}, but the file has no such tensor", to_string(shape)));
  if (trimmed(tensor->shape()) != trimmed(shape)) {
    return at_tensor(name, fmt::format("expected {}, got {}", to_string(shape), to_string(tensor->shape())));
  }
  if (!has_format(tensor->type())) {
    return at_tensor(name, fmt::format("expected floating or quantized numbers, got {}", info_of(tensor->type()).name));
  }
  const int block = info_of(tensor->type()).block_size;
  if (shape.columns() % block != 0) {
    return at_tensor(name, fmt::format("expected rows of whole blocks of {}, got {}", block, to_string(shape)));
  }
  Tensor view = tensor->reshaped(shape);
  if (reinterpret_cast<uintptr_t>(view.bytes()) % alignment_of(view.type()) == 0) return view;
  Buffer& copy = memory_->copies.emplace_back(view.size_bytes());
  std::memcpy(copy.data(), view.bytes(), view.size_bytes());
  return Tensor(view.type(), shape, copy.data());
}

Result<Weight> WeightLoader::weight(const std::string& stem, Shape shape) {
  Weight weight;
  weight.matrix = ONDOL_TRY(matrix(stem + ".weight", shape));
  weight.bias = ONDOL_TRY(optional_vector(stem + ".bias", shape[0]));
  matrices_[stem] = weight.matrix;
  return weight;
}

Result<Tensor> WeightLoader::vector(const std::string& name, int64_t n) {
  Tensor stored = ONDOL_TRY(matrix(name, {n}));
  if (stored.type() == DType::F32) return stored;
  Buffer& copy = memory_->copies.emplace_back(static_cast<size_t>(n) * sizeof(float));
  Tensor converted(DType::F32, {n}, copy.data());
  format_of(stored.type()).decode(stored.bytes(), converted.f32(), n);
  return converted;
}

Result<Tensor> WeightLoader::optional_vector(const std::string& name, int64_t n) {
  if (!has_tensor(name)) return Tensor();
  return vector(name, n);
}

Result<std::vector<Weight>> WeightLoader::fused(const std::string& stem, std::span<const int64_t> rows, int64_t width) {
  int64_t total = 0;
  for (const int64_t n : rows) total += n;
  const Weight whole = ONDOL_TRY(weight(stem, {total, width}));
  std::vector<Weight> parts;
  int64_t begin = 0;
  for (const int64_t n : rows) {
    parts.push_back({whole.matrix.slice_rows(begin, n), vector_slice(whole.bias, begin, n)});
    begin += n;
  }
  return parts;
}

Result<QkvWeights> WeightLoader::qkv(const std::string& prefix, const AttentionParams& params, int64_t width) {
  const int64_t q_rows = int64_t{params.n_heads} * params.k_dim;
  const int64_t k_rows = int64_t{params.n_kv_heads} * params.k_dim;
  const int64_t v_rows = int64_t{params.n_kv_heads} * params.v_dim;
  QkvWeights weights;
  if (has_tensor(prefix + "attn_qkv.weight")) {
    std::vector<Weight> parts = ONDOL_TRY(fused(prefix + "attn_qkv", std::array{q_rows, k_rows, v_rows}, width));
    return QkvWeights{parts[0], parts[1], parts[2]};
  }
  weights.q = ONDOL_TRY(weight(prefix + "attn_q", {q_rows, width}));
  weights.k = ONDOL_TRY(weight(prefix + "attn_k", {k_rows, width}));
  weights.v = ONDOL_TRY(weight(prefix + "attn_v", {v_rows, width}));
  return weights;
}

Result<GatedMlp> WeightLoader::gated_mlp(const std::string& prefix, int64_t inner, int64_t width) {
  GatedMlp mlp;
  if (has_tensor(prefix + "ffn_gate.weight")) {
    mlp.gate = ONDOL_TRY(weight(prefix + "ffn_gate", {inner, width}));
    mlp.up = ONDOL_TRY(weight(prefix + "ffn_up", {inner, width}));
  } else {
    const std::vector<Weight> parts = ONDOL_TRY(fused(prefix + "ffn_up", std::array{inner, inner}, width));
    mlp.gate = parts[0];
    mlp.up = parts[1];
  }
  mlp.down = ONDOL_TRY(weight(prefix + "ffn_down", {width, inner}));
  return mlp;
}

Result<std::vector<Weight>> WeightLoader::stacked_experts(const std::string& stem, int64_t n_experts, Shape shape) {
  const Tensor stack = ONDOL_TRY(matrix(stem + ".weight", {n_experts, shape[0], shape[1]}));
  Tensor biases;
  if (has_tensor(stem + ".bias")) {
    biases = ONDOL_TRY(matrix(stem + ".bias", {n_experts, shape[0]}));
    if (biases.type() != DType::F32) {
      return at_tensor(stem + ".bias", fmt::format("expected F32, got {}", info_of(biases.type()).name));
    }
  }
  std::vector<Weight> weights;
  for (int64_t e = 0; e < n_experts; ++e) {
    weights.push_back({stack[e], biases.empty() ? Tensor() : biases[e]});
  }
  return weights;
}

Result<std::vector<Weight>> WeightLoader::expert_matrices(const std::string& prefix, const std::string& kind,
                                                          int64_t n_experts, Shape shape) {
  const std::string stack = prefix + kind + "_exps";
  const std::string before_numbers = has_tensor(prefix + kind + ".0.weight") ? prefix + kind : stack;
  if (!has_tensor(before_numbers + ".0.weight")) return stacked_experts(stack, n_experts, shape);
  std::vector<Weight> weights;
  for (int64_t e = 0; e < n_experts; ++e) {
    weights.push_back(ONDOL_TRY(weight(fmt::format("{}.{}", before_numbers, e), shape)));
  }
  return weights;
}

Result<Experts> WeightLoader::experts(const std::string& prefix, int64_t n_experts, int64_t inner, int64_t width) {
  Experts experts;
  experts.down = ONDOL_TRY(expert_matrices(prefix, "ffn_down", n_experts, {width, inner}));
  if (has_tensor(prefix + "ffn_gate_up_exps.weight")) {
    for (const Weight& both : ONDOL_TRY(stacked_experts(prefix + "ffn_gate_up_exps", n_experts, {2 * inner, width}))) {
      experts.gate.push_back({both.matrix.slice_rows(0, inner), vector_slice(both.bias, 0, inner)});
      experts.up.push_back({both.matrix.slice_rows(inner, inner), vector_slice(both.bias, inner, inner)});
    }
    return experts;
  }
  experts.gate = ONDOL_TRY(expert_matrices(prefix, "ffn_gate", n_experts, {inner, width}));
  experts.up = ONDOL_TRY(expert_matrices(prefix, "ffn_up", n_experts, {inner, width}));
  return experts;
}

Result<Weight> WeightLoader::output(const ModelConfig& config) {
  const bool is_tied = !has_tensor("output.weight");
  Weight weight;
  weight.matrix =
      ONDOL_TRY(matrix(is_tied ? "token_embd.weight" : "output.weight", {config.vocabulary_size, config.width}));
  weight.bias = ONDOL_TRY(optional_vector("output.bias", config.vocabulary_size));
  return weight;
}

}  // namespace ondol
