// A Hugging Face folder as a model file in the canonical form: config.json as GGUF's metadata, safetensors under GGUF's
// names. Weights stay where they are mapped; only small vectors, Gemma's norms, GPT-2's transposed matrices and
// gpt-oss's interleaved experts are copied.
//
// Three things differ from a GGUF file, because they would cost a copy of large weights. Models read both forms:
//   experts may be separate tensors ("blk.0.ffn_up_exps.3.weight") instead of a stack;
//   the query and key rows of llama keep Hugging Face's order, and "ondol.rope_pairs" says so;
//   DeepSeek's "attn_kv_b" is not split.
// convert.h writes proper GGUF files. The tokenizer is not read here: runtime/ reads it from the same folder.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/model_file.h"

namespace ondol {

/// Opens a folder with config.json and .safetensors files. Errors name the file or tensor at fault; weights in
/// PyTorch's own format get a hint.
Result<std::shared_ptr<const ModelFile>> open_hugging_face(const std::string& folder);

/// The same from the text of a config.json and weights under Hugging Face's names, without the files beside them.
/// `path` is what the result is called in messages.
Result<std::shared_ptr<const ModelFile>> hugging_face_model(std::string_view config_text,
                                                            std::shared_ptr<const ModelFile> weights,
                                                            const std::string& path);

}  // namespace ondol
