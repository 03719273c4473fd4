#include "check_tokenizer.h"
#include "text/sentencepiece.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto spec = ondol::read_sentencepiece({reinterpret_cast<const char*>(data), size});
  if (spec) ondol::check_tokenizer(std::move(*spec));
  return 0;
}
