// The small files beside config.json that say what a model is for: generation_config.json, tokenizer_config.json,
// the chat template, and sentence-transformers' pooling.
#pragma once

#include <string>

#include "models/hf_config.h"
#include "models/meta_builder.h"

namespace ondol {

/// Adds general.name, special token ids, tokenizer.chat_template and <arch>.pooling_type, as far as the folder has
/// them. A file that is there but damaged is an error.
Result<void> add_sidecars(const std::string& folder, const HfConfig& config, MetaBuilder& meta);

/// The chat template of a folder; empty where it has none.
Result<std::string> read_chat_template(const std::string& folder);

}  // namespace ondol
