#include "server/random_id.h"

#include <random>

#include "base/random.h"

namespace ondol::server {

std::string random_id(std::string_view prefix, int n) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  thread_local Random random = [] {
    std::random_device device;
    return Random(uint64_t{device()} << 32 | device());
  }();
  std::string id(prefix);
  for (int i = 0; i < n; ++i) id += kLetters[random.next() % kLetters.size()];
  return id;
}

}  // namespace ondol::server
