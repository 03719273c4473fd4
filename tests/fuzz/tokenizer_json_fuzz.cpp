#include "check_tokenizer.h"
#include "text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto spec = ondol::read_tokenizer_json(text)) ondol::check_tokenizer(std::move(*spec));
  ondol::HuggingFaceTexts beside;
  beside.tokenizer_config = text;
  ondol::TokenizerSpec spec;
  (void)ondol::apply_hugging_face_config(beside, spec);
  return 0;
}
