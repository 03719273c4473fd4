// Parses arbitrary bytes as a file of the prefix store; and once more with the hash made right, so that what the hash
// would refuse is reached too.
#include <cstring>
#include <string>

#include "base/check.h"
#include "runtime/prefix_block.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)ondol::parse_prefix_block({data, size});
  if (size < sizeof(ondol::Hash128)) return 0;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  const size_t n = size - sizeof(ondol::Hash128);
  const ondol::Hash128 hash = ondol::hash_bytes({data, n});
  std::memcpy(bytes.data() + n, &hash, sizeof(hash));
  const auto block = ondol::parse_prefix_block({reinterpret_cast<const uint8_t*>(bytes.data()), size});
  if (!block) return 0;
  // What was read is what would be written.
  const std::string again =
      ondol::write_prefix_block(block->tag, block->is_long, block->tokens, block->data.size(),
                                [&](std::span<uint8_t> to) { std::memcpy(to.data(), block->data.data(), to.size()); });
  ONDOL_CHECK(again == bytes);
  return 0;
}
