// Quantising a model into a GGUF file: tensor by tensor, rows in parallel, in bounded memory.
//
// The result does not depend on the number of threads. The file appears only when it is complete.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "formats/imatrix.h"
#include "formats/metadata_override.h"
#include "formats/model_file.h"
#include "formats/quantize_plan.h"

namespace ondol {

struct QuantizeOptions {
  QuantizePlanOptions plan = {};  // `has_importance` is set from the next
  const ImportanceMatrix* importance = nullptr;
  bool allow_requantize = false;  // quantise what is quantised already; loses more than starting from 16 or 32 bits
  uint64_t split_max_bytes = 0;   // see GgufWriteOptions
  std::vector<MetadataOverride> metadata = {};
};

struct QuantizedTensor {
  std::string name;
  DType from = DType::F32;
  DType to = DType::F32;
  uint64_t from_bytes = 0;
  uint64_t to_bytes = 0;
  double rmse = 0;              // root of the mean squared error of its numbers; 0 for a copy
  bool has_importance = false;  // the importance matrix had an entry for it
};

struct QuantizeReport {
  std::string file_type;
  std::vector<std::string> paths;  // the files written
  std::vector<QuantizedTensor> tensors;
  uint64_t from_bytes = 0;
  uint64_t to_bytes = 0;
  std::vector<std::string> notes;
};

/// Where the work stands; called on the calling thread, after each piece of a tensor.
struct QuantizeProgress {
  const std::string& tensor;
  size_t index = 0;
  size_t n_tensors = 0;
  uint64_t done_bytes = 0;  // of the input
  uint64_t total_bytes = 0;
};

/// Quantises `file` to `out_path`, which may be the file that is read. Metadata is copied; general.file_type and
/// general.quantization_version say what was made. `cancel`, where given, ends the work with an error. Errors: those of
/// the plan, a quantised input without `allow_requantize`, numbers that are not finite in the input or in the result,
/// an importance matrix of another model, anything the system refuses.
Result<QuantizeReport> quantize_file(const ModelFile& file, const std::string& out_path, const QuantizeOptions& options,
                                     ThreadPool& threads,
                                     const std::function<void(const QuantizeProgress&)>& progress = {},
                                     const std::atomic<bool>* cancel = nullptr);

}  // namespace ondol
