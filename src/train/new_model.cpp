#include "train/new_model.h"

#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "base/philox.h"

namespace ondol::train {
namespace {

constexpr double kDeviation = 0.02;
constexpr int64_t kBlock = 32;
constexpr int64_t kMostTokens = int64_t{1} << 24;

Result<void> check(const NewModelOptions& options, int64_t n_tokens) {
  const int64_t n_kv_heads = options.n_kv_heads;
  if (options.architecture != "llama") {
    return Error(fmt::format("--new: expected llama, got '{}'", options.architecture));
  }
  if (options.width % options.n_heads != 0 || options.width / options.n_heads % 2 != 0) {
    return Error(
        fmt::format("--width: expected an even number for each of {} heads, got {}", options.n_heads, options.width));
  }
  if (n_kv_heads > 0 && options.n_heads % n_kv_heads != 0) {
    return Error(fmt::format("--kv-heads: expected a divisor of {} heads, got {}", options.n_heads, n_kv_heads));
  }
  if (n_tokens < 1 || n_tokens > kMostTokens) {
    return Error(fmt::format("--vocab: expected 1 to {} tokens, got {}", kMostTokens, n_tokens));
  }
  return {};
}

/// Makes tensors and keeps their memory.
class Maker {
 public:
  explicit Maker(uint64_t seed) : seed_(seed) {}

  void ones(std::string name, int64_t n) {
    Tensor tensor = add(std::move(name), {n});
    for (int64_t i = 0; i < n; ++i) tensor.f32()[i] = 1.0f;
  }

  /// Two normal numbers from two uniform ones (Box and Muller, 1958).
  void normal(std::string name, int64_t rows, int64_t columns, double deviation) {
    Tensor tensor = add(std::move(name), {rows, columns});
    const uint64_t stream = tensors_.size();
    const int64_t n = rows * columns;
    for (int64_t i = 0; i < n; i += 2) {
      const double u =
          (static_cast<double>(philox_bits(seed_, stream, static_cast<uint64_t>(i)) >> 11) + 1) * 0x1.0p-53;
      const double angle = static_cast<double>(philox_bits(seed_, stream, static_cast<uint64_t>(i + 1)) >> 11) *
                           0x1.0p-53 * 2 * std::numbers::pi;
      const double radius = deviation * std::sqrt(-2 * std::log(u));
      tensor.f32()[i] = static_cast<float>(radius * std::cos(angle));
      if (i + 1 < n) tensor.f32()[i + 1] = static_cast<float>(radius * std::sin(angle));
    }
  }

  std::shared_ptr<const ModelFile> file(Metadata metadata) {
    return std::make_shared<AssembledModelFile>("new model", std::move(metadata), std::move(tensors_),
                                                std::move(owners_));
  }

 private:
  Tensor add(std::string name, Shape shape) {
    OwnedTensor owned(DType::F32, shape);
    tensors_.push_back({std::move(name), owned.tensor});
    owners_.emplace_back(std::move(owned.buffer));
    return tensors_.back().tensor;
  }

  uint64_t seed_;
  std::vector<TensorEntry> tensors_;
  std::vector<std::any> owners_;
};

Metadata metadata_of(const NewModelOptions& options, int64_t n_kv_heads, int64_t inner, int64_t n_tokens) {
  const auto number = [](int64_t value) { return MetaValue{static_cast<uint32_t>(value)}; };
  return {{"general.architecture", {std::string("llama")}},
          {"general.type", {std::string("model")}},
          {"llama.block_count", number(options.n_layers)},
          {"llama.context_length", number(options.context)},
          {"llama.embedding_length", number(options.width)},
          {"llama.feed_forward_length", number(inner)},
          {"llama.attention.head_count", number(options.n_heads)},
          {"llama.attention.head_count_kv", number(n_kv_heads)},
          {"llama.attention.layer_norm_rms_epsilon", {1e-5f}},
          {"llama.rope.dimension_count", number(options.width / options.n_heads)},
          {"llama.rope.freq_base", {static_cast<float>(options.rope_base)}},
          {"llama.vocab_size", number(n_tokens)}};
}

}  // namespace

Result<std::shared_ptr<const ModelFile>> make_model(const NewModelOptions& options, int64_t n_tokens,
                                                    const Metadata& tokenizer) {
  ONDOL_TRY(check(options, n_tokens));
  const int64_t width = options.width;
  const int64_t n_kv_heads = options.n_kv_heads > 0 ? options.n_kv_heads : options.n_heads;
  const int64_t kv_width = width / options.n_heads * n_kv_heads;
  const int64_t inner = options.inner_width > 0 ? options.inner_width : (width * 8 / 3 + kBlock - 1) / kBlock * kBlock;
  const double residual = kDeviation / std::sqrt(2.0 * static_cast<double>(options.n_layers));
  Maker maker(options.seed);
  maker.normal("token_embd.weight", n_tokens, width, kDeviation);
  for (int64_t i = 0; i < options.n_layers; ++i) {
    const std::string prefix = fmt::format("blk.{}.", i);
    maker.ones(prefix + "attn_norm.weight", width);
    maker.normal(prefix + "attn_q.weight", width, width, kDeviation);
    maker.normal(prefix + "attn_k.weight", kv_width, width, kDeviation);
    maker.normal(prefix + "attn_v.weight", kv_width, width, kDeviation);
    maker.normal(prefix + "attn_output.weight", width, width, residual);
    maker.ones(prefix + "ffn_norm.weight", width);
    maker.normal(prefix + "ffn_gate.weight", inner, width, kDeviation);
    maker.normal(prefix + "ffn_up.weight", inner, width, kDeviation);
    maker.normal(prefix + "ffn_down.weight", width, inner, residual);
  }
  maker.ones("output_norm.weight", width);
  Metadata metadata = metadata_of(options, n_kv_heads, inner, n_tokens);
  metadata.insert(metadata.end(), tokenizer.begin(), tokenizer.end());
  return maker.file(std::move(metadata));
}

}  // namespace ondol::train
