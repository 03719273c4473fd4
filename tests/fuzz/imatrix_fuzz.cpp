// Parses arbitrary bytes as an importance matrix of either kind.
#include "formats/imatrix.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)ondol::parse_importance({data, size});
  return 0;
}
