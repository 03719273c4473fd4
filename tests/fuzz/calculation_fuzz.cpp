// Any text as an expression: it ends soon, and what it gives is text.
#include "agent/calculation.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto value = ondol::calculate({reinterpret_cast<const char*>(data), size});
  if (value) ONDOL_CHECK(!value->empty());
  return 0;
}
