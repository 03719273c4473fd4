#include <cmath>

#include <fmt/format.h>

#include "models/weights.h"

namespace ondol {
namespace {

template <typename T>
Result<T> in_range(const WeightLoader& loader, std::string_view key, T value, T low, T high) {
  if (value >= low && value <= high) return value;  // false for NaN
  return Error(fmt::format("{}: key '{}.{}': expected {} to {}, got {}", loader.file().path(), loader.architecture(),
                           key, low, high, value));
}

}  // namespace

bool WeightLoader::has_key(std::string_view key) const {
  return file().find_meta(full_key(key)) != nullptr;
}

Result<int64_t> WeightLoader::integer(std::string_view key, int64_t low, int64_t high) const {
  return in_range(*this, key, ONDOL_TRY(file().meta_int(full_key(key))), low, high);
}

Result<int64_t> WeightLoader::integer_or(std::string_view key, int64_t fallback, int64_t low, int64_t high) const {
  return has_key(key) ? integer(key, low, high) : Result<int64_t>(fallback);
}

Result<double> WeightLoader::number(std::string_view key, double low, double high) const {
  return in_range(*this, key, ONDOL_TRY(file().meta_double(full_key(key))), low, high);
}

Result<double> WeightLoader::number_or(std::string_view key, double fallback, double low, double high) const {
  return has_key(key) ? number(key, low, high) : Result<double>(fallback);
}

Result<bool> WeightLoader::flag_or(std::string_view key, bool fallback) const {
  return file().meta_bool_or(full_key(key), fallback);
}

Result<std::string> WeightLoader::text_or(std::string_view key, std::string_view fallback) const {
  return file().meta_string_or(full_key(key), fallback);
}

Result<std::vector<int64_t>> WeightLoader::per_layer(std::string_view key, int n_layers, int64_t low,
                                                     int64_t high) const {
  std::vector<int64_t> values = ONDOL_TRY(file().meta_ints(full_key(key)));
  const auto n = static_cast<size_t>(n_layers);
  const MetaValue* value = file().find_meta(full_key(key));
  if (!std::holds_alternative<MetaValue::Array>(value->value)) values.assign(n, values.front());
  if (values.size() != n) {
    return Error(fmt::format("{}: key '{}': expected {} values, one for each layer, got {}", file().path(),
                             full_key(key), n, values.size()));
  }
  for (const int64_t element : values) ONDOL_TRY(in_range(*this, key, element, low, high));
  return values;
}

Result<ModelConfig> WeightLoader::decoder_config() const {
  ModelConfig config;
  config.architecture = architecture_;
  config.width = ONDOL_TRY(integer("embedding_length", 1, kMaxWidth));
  config.n_layers = static_cast<int>(ONDOL_TRY(integer("block_count", 1, kMaxLayers)));
  config.context_length = ONDOL_TRY(integer("context_length", 1, kMaxContext));
  const std::string name = "token_embd.weight";
  const Tensor* embedding = file().find_tensor(name);
  if (embedding == nullptr) return at_tensor(name, "the file has no such tensor");
  if (embedding->shape().rank() != 2 || embedding->columns() != config.width || embedding->rows() < 1 ||
      embedding->rows() > kMaxVocabulary) {
    return at_tensor(name,
                     fmt::format("expected [vocabulary, {}], got {}", config.width, to_string(embedding->shape())));
  }
  config.vocabulary_size = embedding->rows();
  const MetaValue* tokens = file().find_meta("tokenizer.ggml.tokens");
  const auto* array = tokens == nullptr ? nullptr : std::get_if<MetaValue::Array>(&tokens->value);
  const auto* names = array == nullptr ? nullptr : std::get_if<std::vector<std::string>>(array);
  if (names != nullptr && static_cast<int64_t>(names->size()) > config.vocabulary_size) {
    return at_tensor(name, fmt::format("expected a row for each of the tokenizer's {} tokens, got {}", names->size(),
                                       to_string(embedding->shape())));
  }
  return config;
}

Result<std::vector<AttentionParams>> WeightLoader::attention_layers(ModelConfig& config) const {
  const std::vector<int64_t> n_heads = ONDOL_TRY(per_layer("attention.head_count", config.n_layers, 1, kMaxHeads));
  std::vector<int64_t> n_kv_heads = n_heads;
  if (has_key("attention.head_count_kv")) {
    n_kv_heads = ONDOL_TRY(per_layer("attention.head_count_kv", config.n_layers, 1, kMaxHeads));
  }
  std::vector<AttentionParams> layers;
  for (size_t i = 0; i < n_heads.size(); ++i) {
    const int64_t k_dim = ONDOL_TRY(integer_or("attention.key_length", config.width / n_heads[i], 1, kMaxHeadDim));
    const int64_t v_dim = ONDOL_TRY(integer_or("attention.value_length", k_dim, 1, kMaxHeadDim));
    if (k_dim < 1 || k_dim > kMaxHeadDim) {
      return Error(fmt::format("{}: key '{}': {} heads do not fit a width of {}", file().path(),
                               full_key("attention.head_count"), n_heads[i], config.width));
    }
    if (n_heads[i] % n_kv_heads[i] != 0) {
      return Error(fmt::format("{}: key '{}': expected a divisor of the {} heads, got {}", file().path(),
                               full_key("attention.head_count_kv"), n_heads[i], n_kv_heads[i]));
    }
    AttentionParams params;
    params.n_heads = static_cast<int>(n_heads[i]);
    params.n_kv_heads = static_cast<int>(n_kv_heads[i]);
    params.k_dim = static_cast<int>(k_dim);
    params.v_dim = static_cast<int>(v_dim);
    const double scale = ONDOL_TRY(number_or("attention.scale", 0.0, 0.0, 1e6));
    params.scale = static_cast<float>(scale > 0.0 ? scale : 1.0 / std::sqrt(static_cast<double>(k_dim)));
    layers.push_back(params);
    config.kv_layers.push_back({params.n_kv_heads, params.k_dim, params.v_dim, false});
  }
  return layers;
}

Result<std::vector<bool>> WeightLoader::window_pattern(size_t n_layers, int64_t default_pattern) const {
  const std::string key = full_key("attention.sliding_window_pattern");
  const MetaValue* value = file().find_meta(key);
  const auto* array = value == nullptr ? nullptr : std::get_if<MetaValue::Array>(&value->value);
  if (array == nullptr) {
    const int64_t n = ONDOL_TRY(integer_or("attention.sliding_window_pattern", default_pattern, 0, kMaxLayers));
    std::vector<bool> pattern(n_layers);
    for (size_t i = 0; i < n_layers; ++i) pattern[i] = n == 0 || static_cast<int64_t>(i) % n < n - 1;
    return pattern;
  }
  std::vector<bool> pattern;
  if (const auto* flags = std::get_if<std::vector<bool>>(array)) {
    pattern = *flags;
  } else {
    for (const int64_t flag : ONDOL_TRY(file().meta_ints(key))) pattern.push_back(flag != 0);
  }
  if (pattern.size() == n_layers) return pattern;
  return Error(fmt::format("{}: key '{}': expected {} values, one for each layer, got {}", file().path(), key, n_layers,
                           pattern.size()));
}

Result<void> WeightLoader::set_windows(std::vector<AttentionParams>& layers, int64_t default_pattern,
                                       int64_t default_window) const {
  const int64_t window = ONDOL_TRY(integer_or("attention.sliding_window", default_window, 0, kMaxContext));
  const std::vector<bool> pattern = ONDOL_TRY(window_pattern(layers.size(), default_pattern));
  for (size_t i = 0; i < layers.size(); ++i) layers[i].window = pattern[i] ? static_cast<int>(window) : 0;
  return {};
}

Result<int64_t> WeightLoader::inner_width(int i, int n_layers) const {
  return ONDOL_TRY(per_layer("feed_forward_length", n_layers, 1, kMaxWidth))[static_cast<size_t>(i)];
}

Result<float> WeightLoader::rms_epsilon() const {
  return static_cast<float>(ONDOL_TRY(number("attention.layer_norm_rms_epsilon", 0.0, 1.0)));
}

}  // namespace ondol
