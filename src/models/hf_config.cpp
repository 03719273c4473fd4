#include "models/hf_config.h"

#include <cmath>

#include <fmt/format.h>

namespace ondol {
namespace {

const json::value* member_of(const json::value& object, std::string_view key) {
  const json::value* member = find_member(object, key);
  return member != nullptr && member->is_null() ? nullptr : member;
}

/// Whether `parameters` holds one object per layer type instead of the numbers themselves.
bool is_per_layer_type(const json::value& parameters) {
  for (const std::string_view type : {"full_attention", "sliding_attention"}) {
    const json::value* member = find_member(parameters, type);
    if (member != nullptr && member->is_object()) return true;
  }
  return false;
}

}  // namespace

Result<HfConfig> HfConfig::parse(std::string_view text, std::string path) {
  HfConfig config;
  config.path_ = std::move(path);
  config.outer_ = ONDOL_TRY(parse_json(text).in(config.path_));
  if (!config.outer_.is_object()) return Error("expected a JSON object").in(config.path_);
  for (const std::string_view key : {"text_config", "llm_config", "language_config"}) {
    const json::value* nested = member_of(config.outer_, key);
    if (nested == nullptr || !nested->is_object()) continue;
    config.text_ = *nested;
    break;
  }
  config.model_type_ = string_or(config.text_, "model_type", string_or(config.outer_, "model_type", ""));
  if (config.model_type_.empty()) {
    return Error("there is no \"model_type\", so it is unknown which architecture this is").in(config.path_);
  }
  return config;
}

bool HfConfig::has_class_ending(std::string_view ending) const {
  const json::value* classes = member_of(outer_, "architectures");
  if (classes == nullptr || !classes->is_array()) return false;
  for (const json::value& name : classes->get_array()) {
    if (name.is_string() && std::string_view(name.get_string()).ends_with(ending)) return true;
  }
  return false;
}

const json::value* HfConfig::find(HfKeys keys) const {
  for (const json::value* part : {&text_, &outer_}) {
    for (const std::string_view key : keys) {
      if (const json::value* value = member_of(*part, key)) return value;
    }
  }
  return nullptr;
}

Error HfConfig::wrong(HfKeys keys, std::string_view expected, const json::value* got) const {
  const std::string what = got == nullptr ? "it is missing" : "got " + json::serialize(*got).substr(0, 80);
  return Error(fmt::format("\"{}\": expected {}, {}", *keys.begin(), expected, what)).in(path_);
}

Result<int64_t> HfConfig::integer(HfKeys keys) const {
  const json::value* value = find(keys);
  if (value != nullptr && value->is_int64()) return value->get_int64();
  if (value != nullptr && value->is_double()) {
    const double number = value->get_double();
    if (std::abs(number) < 9.0e15 && std::floor(number) == number) return static_cast<int64_t>(number);
  }
  return wrong(keys, "a whole number", value);
}

Result<int64_t> HfConfig::integer_or(HfKeys keys, int64_t fallback) const {
  if (find(keys) == nullptr) return fallback;
  return integer(keys);
}

Result<double> HfConfig::number(HfKeys keys) const {
  const json::value* value = find(keys);
  if (value == nullptr || !value->is_number()) return wrong(keys, "a number", value);
  return value->to_number<double>();
}

Result<double> HfConfig::number_or(HfKeys keys, double fallback) const {
  if (find(keys) == nullptr) return fallback;
  return number(keys);
}

Result<bool> HfConfig::boolean_or(HfKeys keys, bool fallback) const {
  const json::value* value = find(keys);
  if (value == nullptr) return fallback;
  if (!value->is_bool()) return wrong(keys, "true or false", value);
  return value->get_bool();
}

Result<std::string> HfConfig::text_or(HfKeys keys, std::string_view fallback) const {
  const json::value* value = find(keys);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) return wrong(keys, "a text", value);
  return std::string(value->get_string());
}

Result<std::vector<std::string>> HfConfig::texts(HfKeys keys) const {
  std::vector<std::string> texts;
  const json::value* value = find(keys);
  if (value == nullptr) return texts;
  if (!value->is_array()) return wrong(keys, "a list of texts", value);
  for (const json::value& entry : value->get_array()) {
    if (!entry.is_string()) return wrong(keys, "a list of texts", value);
    texts.emplace_back(entry.get_string());
  }
  return texts;
}

bool HfConfig::has_rope_per_layer_type() const {
  const json::value* parameters = find({"rope_parameters"});
  return parameters != nullptr && is_per_layer_type(*parameters);
}

HfRope HfConfig::rope(std::string_view layer_type) const {
  HfRope rope;
  const json::value* theta = find({"rope_theta", "rotary_emb_base"});
  if (theta != nullptr && theta->is_number()) rope.theta = theta->to_number<double>();
  const json::value* parameters = find({"rope_parameters", "rope_scaling"});
  if (parameters != nullptr && is_per_layer_type(*parameters)) parameters = member_of(*parameters, layer_type);
  if (parameters == nullptr || !parameters->is_object()) return rope;
  rope.parameters = *parameters;
  rope.type = string_or(*parameters, "rope_type", string_or(*parameters, "type", "default"));
  rope.theta = double_or(*parameters, "rope_theta", rope.theta);
  return rope;
}

std::vector<float> numbers_of(const json::value& object, std::string_view key) {
  std::vector<float> numbers;
  const json::value* list = find_member(object, key);
  if (list == nullptr || !list->is_array()) return numbers;
  for (const json::value& entry : list->get_array()) {
    if (!entry.is_number()) return {};
    numbers.push_back(static_cast<float>(entry.to_number<double>()));
  }
  return numbers;
}

}  // namespace ondol
