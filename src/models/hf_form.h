// HfForm: the tensors of a canonical model file under Hugging Face's names and in its form, row by row: the way back
// from hf_tensors.h and gguf_form.h. It takes files in either form.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "formats/model_file.h"
#include "models/hf_names.h"

namespace ondol {

/// A tensor and the numbers of its rows, which are asked for in ascending order by one thread.
struct HfTensor {
  TensorSpec spec;           // spec.type is that of the canonical tensor; block types are decoded
  bool f32_by_rule = false;  // F32 because all GGUF files have it so, whatever the model was trained in
  std::function<void(int64_t row, float* out)> row;
};

/// Which Hugging Face family a canonical file is written as.
Result<const HfArchitecture*> hf_architecture_for(const ModelFile& file);

/// Errors name tensors that the architecture has no name for. `file` must outlive the result.
Result<std::vector<HfTensor>> hf_tensors(const ModelFile& file, const HfArchitecture& architecture);

}  // namespace ondol
