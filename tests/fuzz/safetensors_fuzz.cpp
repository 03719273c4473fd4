// Parses arbitrary bytes as a safetensors file and as an index, and reads every number that the result promises.
#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)ondol::parse_safetensors_index({reinterpret_cast<const char*>(data), size});
  const auto content = ondol::parse_safetensors({data, size});
  if (!content) return 0;
  uint64_t sum = 0;
  for (const ondol::TensorEntry& entry : content->tensors) {
    for (size_t i = 0; i < entry.tensor.size_bytes(); ++i) sum += entry.tensor.bytes()[i];
  }
  [[maybe_unused]] volatile uint64_t keep = sum;
  return 0;
}
