// A Hugging Face folder from arbitrary bytes: four bytes with the length of config.json, config.json, safetensors. What
// opens is brought into GGUF's form and back, and every number is read.
#include <cstring>

#include "formats/safetensors.h"
#include "models/gguf_form.h"
#include "models/hf_config_writer.h"
#include "models/hf_form.h"
#include "models/hugging_face.h"

namespace {

uint64_t read_rows(const ondol::GgufForm& form) {
  uint64_t sum = 0;
  for (const ondol::GgufTensor& tensor : form.tensors) {
    const size_t n = ondol::row_bytes(tensor.spec.type, tensor.spec.shape.columns());
    for (int64_t row = 0; row < tensor.spec.shape.rows(); ++row) {
      const uint8_t* bytes = tensor.row(row);
      for (size_t i = 0; i < n; ++i) sum += bytes[i];
    }
  }
  return sum;
}

float read_rows(const std::vector<ondol::HfTensor>& tensors) {
  float sum = 0.0f;
  for (const ondol::HfTensor& tensor : tensors) {
    std::vector<float> numbers(static_cast<size_t>(tensor.spec.shape.columns()));
    for (int64_t row = 0; row < tensor.spec.shape.rows(); ++row) {
      tensor.row(row, numbers.data());
      if (!numbers.empty()) sum += numbers.back();
    }
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint32_t config_size = 0;
  if (size < sizeof(config_size)) return 0;
  std::memcpy(&config_size, data, sizeof(config_size));
  data += sizeof(config_size);
  size -= sizeof(config_size);
  if (config_size > size) return 0;
  auto content = ondol::parse_safetensors({data + config_size, size - config_size});
  if (!content) return 0;
  const auto weights = std::make_shared<ondol::AssembledModelFile>(
      "weights", std::move(content->metadata), std::move(content->tensors), std::move(content->owners));
  const std::string_view config(reinterpret_cast<const char*>(data), config_size);
  const auto model = ondol::hugging_face_model(config, weights, "fuzz");
  if (!model) return 0;
  const auto form = ondol::gguf_form(*model);
  [[maybe_unused]] volatile uint64_t keep = form ? read_rows(*form) : 0;
  const auto architecture = ondol::hf_architecture_for(**model);
  if (!architecture) return 0;
  (void)ondol::hf_config(**model, **architecture, ondol::DType::F32);
  const auto tensors = ondol::hf_tensors(**model, **architecture);
  [[maybe_unused]] volatile float keep_too = tensors ? read_rows(*tensors) : 0.0f;
  return 0;
}
