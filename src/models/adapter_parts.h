// What the two forms of adapter files hold, under the model's own names.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/model_file.h"
#include "models/hf_names.h"
#include "models/model.h"

namespace ondol {

/// The two parts of one weight's addition, as they lie in the file.
struct AdapterPart {
  std::string stem;  // "blk.0.attn_q"
  Tensor a;          // [r, D]
  Tensor b;          // [H, r]
  Tensor magnitude;  // [H]: DoRA's, the length of each row of the sum; or empty
  float alpha = 1.0f;
  bool root_of_rank = false;      // alpha is divided by sqrt(r) (rsLoRA; Kalajdzievski, 2023) instead of r
  int64_t interleaved_heads = 0;  // rows of b are to be interleaved within heads of so many rows; 0: they stay
};

/// "adapter.type" must be "lora", and the architecture that of `base`. Tensors are "<weight>.lora_a", ".lora_b" and,
/// for DoRA, ".lora_magnitude".
Result<std::vector<AdapterPart>> gguf_adapter_parts(const ModelFile& file, const ModelFile& base);

/// `config` is the text of adapter_config.json. Names are Hugging Face's; llama's query and key rows are to be brought
/// into GGUF's order where `base` has it.
Result<std::vector<AdapterPart>> peft_adapter_parts(std::string_view config, const ModelFile& file, const Model& model,
                                                    const ModelFile& base);

/// Rows of a head whose order differs between an adapter with Hugging Face's names and the model; 0: none.
int64_t rows_to_interleave(const HfMatch& match, const Model& model, const ModelFile& base);

/// GGUF's order of rows to Hugging Face's: the way back from interleave_heads.
Result<OwnedTensor> separate_heads(const Tensor& matrix, int64_t head_rows, std::string_view stem);

/// Hugging Face's order of rows to GGUF's: in each head, row i and row i + half become neighbours.
Result<OwnedTensor> interleave_heads(const OwnedTensor& matrix, int64_t head_rows, std::string_view stem);

}  // namespace ondol
