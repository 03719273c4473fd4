// The pipelines of a tokenizer.json: normaliser, pre-tokeniser and decoder of a spec as JSON, null when there is none.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace ondol {

Result<json::value> normalizer_json(const TokenizerSpec& spec);
Result<json::value> pre_tokenizer_json(const TokenizerSpec& spec);
Result<json::value> decoder_json(const TokenizerSpec& spec);

}  // namespace ondol
