// HfConfig: config.json of a Hugging Face folder, with the differences between its many versions smoothed away.
//
// It knows that the text model of a multimodal one is nested in "text_config", that null means absent, and the ways in
// which rotary embedding has been described (rope_theta and rope_scaling; rope_parameters; one set per layer type). It
// knows nothing of GGUF: hf_metadata.h translates.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol {

/// Names under which config.json may give the same value; the first that is present counts.
using HfKeys = std::initializer_list<std::string_view>;

/// How the layers of one type rotate queries and keys.
struct HfRope {
  std::string type = "default";  // "linear", "yarn", "longrope", "llama3", ...
  double theta = 0.0;            // 0: the file does not say
  json::value parameters;        // the object with the type's own numbers, or null
};

class HfConfig {
 public:
  /// Parses the text of config.json; `path` names it in messages.
  static Result<HfConfig> parse(std::string_view text, std::string path);

  const std::string& path() const { return path_; }
  /// "model_type" of the (nested) text model.
  const std::string& model_type() const { return model_type_; }
  /// Whether "architectures" names a class that ends so ("ForCausalLM").
  bool has_class_ending(std::string_view ending) const;

  /// The value of the first present key, in the text model's part before the outer one; nullptr when there is none.
  const json::value* find(HfKeys keys) const;

  /// As the names say. Absent without a fallback, or of the wrong type, is an error that names file and key.
  Result<int64_t> integer(HfKeys keys) const;
  Result<int64_t> integer_or(HfKeys keys, int64_t fallback) const;
  Result<double> number(HfKeys keys) const;
  Result<double> number_or(HfKeys keys, double fallback) const;
  Result<bool> boolean_or(HfKeys keys, bool fallback) const;
  Result<std::string> text_or(HfKeys keys, std::string_view fallback) const;
  /// A list of strings; empty when absent.
  Result<std::vector<std::string>> texts(HfKeys keys) const;

  /// The rotary embedding of layers of this type ("full_attention", "sliding_attention").
  HfRope rope(std::string_view layer_type) const;
  /// Whether each layer type has a rotary embedding of its own.
  bool has_rope_per_layer_type() const;

 private:
  Error wrong(HfKeys keys, std::string_view expected, const json::value* got) const;

  std::string path_;
  std::string model_type_;
  json::value outer_;
  json::value text_;  // the text model's part; null when there is no nesting
};

/// A list of numbers under `key` of `object`, or nothing when it is absent or holds anything else.
std::vector<float> numbers_of(const json::value& object, std::string_view key);

}  // namespace ondol
