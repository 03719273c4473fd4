// A tiny cross-encoder with random weights and a tokenizer, for tests.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "formats/gguf_writer.h"
#include "models/gguf_form.h"
#include "models/model.h"

namespace ondol {

/// Writes it as a GGUF file. Its words are single letters, which texts of any letters become. Without `pairs`, it is
/// the same encoder as a model for embeddings.
inline void write_scorer_sample(const std::string& path, bool pairs = true) {
  const auto folder = open_model_file(ONDOL_SOURCE_DIR "/tests/golden/hugging_face/bert-scorer").value();
  const auto file = in_gguf_form(folder).value();
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
  for (const std::string start : {"\xe2\x96\x81", ""}) {
    for (char letter = 'a'; letter <= 'z'; ++letter) tokens.push_back(start + letter);
  }
  while (tokens.size() < 96) tokens.push_back("[unused" + std::to_string(tokens.size()) + "]");
  std::vector<int32_t> types(tokens.size(), 1);
  for (size_t i = 0; i < 4; ++i) types[i] = 3;
  Metadata metadata;
  for (const auto& [key, value] : file->metadata()) {
    const bool is_ours = key.starts_with("tokenizer.ggml.") || (key == "bert.pooling_type" && !pairs);
    if (!is_ours) metadata.emplace_back(key, value);
  }
  if (!pairs) metadata.emplace_back("bert.pooling_type", MetaValue{uint32_t{1}});
  metadata.emplace_back("tokenizer.ggml.model", MetaValue{std::string("bert")});
  metadata.emplace_back("tokenizer.ggml.tokens", MetaValue{MetaValue::Array(std::move(tokens))});
  metadata.emplace_back("tokenizer.ggml.token_type", MetaValue{MetaValue::Array(std::move(types))});
  for (const auto& [key, id] : {std::pair("padding", 0u), std::pair("unknown", 1u), std::pair("cls", 2u),
                                std::pair("bos", 2u), std::pair("seperator", 3u), std::pair("eos", 3u)}) {
    metadata.emplace_back(std::string("tokenizer.ggml.") + key + "_token_id", MetaValue{static_cast<uint32_t>(id)});
  }
  const auto written = write_gguf(path, metadata, file->tensors());
  if (!written) throw std::runtime_error(written.error().message());
}

}  // namespace ondol
