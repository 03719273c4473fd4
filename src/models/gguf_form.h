// GgufForm: the tensors of a canonical model file as a proper GGUF file has them, row by row.
//
// What a Hugging Face folder leaves as it is because running does not need more (hugging_face.h) is put right here:
// experts are stacked, llama's query and key rows are interleaved, DeepSeek's attn_kv_b is split. Rows are made when
// they are asked for, so that a model of any size passes through little memory. A file that is in GGUF's form already
// stays as it is.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "formats/model_file.h"

namespace ondol {

/// A tensor and where its rows come from. `row` gives row i, in `spec.type`, valid until the next call, to one thread.
struct GgufTensor {
  TensorSpec spec;
  std::function<const uint8_t*(int64_t row)> row;
  Tensor whole;  // the same, where the rows lie in memory as they should; else empty
};

struct GgufForm {
  std::shared_ptr<const ModelFile> source;  // keeps the rows' memory
  Metadata metadata;                        // without the keys that describe the other form
  std::vector<GgufTensor> tensors;
};

/// Errors name the tensor that cannot be brought into GGUF's form.
Result<GgufForm> gguf_form(std::shared_ptr<const ModelFile> file);

/// The type of a tensor where no other is asked for: F32 where is_f32_in_gguf, else its own. Errors: other numbers than
/// floating and quantised ones.
Result<DType> type_in_gguf(const TensorSpec& spec);

/// The same as a model file, for code that needs one, in the types of type_in_gguf. Tensors whose rows are elsewhere,
/// in another order or of another type are copied.
Result<std::shared_ptr<const ModelFile>> in_gguf_form(std::shared_ptr<const ModelFile> file);

/// Whether a tensor is kept in F32 in every GGUF file: vectors, norms, routers, heads that score, and tables that are
/// added.
bool is_f32_in_gguf(const TensorSpec& spec);

}  // namespace ondol
