// The four pipelines of a tokenizer.json: normaliser, pre-tokeniser, decoder, post-processor.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace ondol {

// Each appends to the spec; null stands for none.
Result<void> read_json_normalizer(const json::value& value, TokenizerSpec& spec);
Result<void> read_json_pre_tokenizer(const json::value& value, TokenizerSpec& spec);
Result<void> read_json_decoder(const json::value& value, TokenizerSpec& spec);
Result<void> read_json_post_processor(const json::value& value, TokenizerSpec& spec);

}  // namespace ondol
