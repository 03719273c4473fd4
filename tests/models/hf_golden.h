// The folders in tests/golden/hugging_face: tiny random models with what transformers computes from them
// (tools/make_model_goldens_hf.py).
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "tests/models/forward.h"

namespace ondol {

inline std::string hf_golden_folder(const std::string& name) {
  return std::string(ONDOL_SOURCE_DIR "/tests/golden/hugging_face/") + name;
}

struct HfGolden {
  std::vector<int32_t> tokens;
  Rows rows;  // logits, or hidden states of encoders
};

inline HfGolden read_hf_golden(const std::string& name) {
  const auto text = read_file(hf_golden_folder(name) + "/expected.json");
  if (!text) throw std::runtime_error(text.error().message());
  const json::value document = parse_json(*text).value();
  HfGolden golden;
  for (const json::value& token : document.at("tokens").as_array()) {
    golden.tokens.push_back(static_cast<int32_t>(token.as_int64()));
  }
  const json::value* rows = find_member(document, "logits");
  if (rows == nullptr) rows = &document.at("hidden");
  for (const json::value& row : rows->as_array()) {
    std::vector<float> numbers;
    for (const json::value& number : row.as_array()) numbers.push_back(static_cast<float>(number.to_number<double>()));
    golden.rows.push_back(std::move(numbers));
  }
  return golden;
}

}  // namespace ondol
