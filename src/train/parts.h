// Work on long arrays in parts, by threads where there are any.
#pragma once

#include <cstdint>
#include <functional>

#include "base/thread_pool.h"

namespace ondol::train {

/// Numbers of a part, whatever the number of threads.
constexpr int64_t kPart = 16384;

/// body(begin, end) over [0, n), in parallel where there are threads; begins are multiples of kPart.
inline void for_parts(ThreadPool* threads, int64_t n, const std::function<void(int64_t begin, int64_t end)>& body) {
  if (threads == nullptr || n <= kPart) return body(0, n);
  threads->run(n, kPart, [&](int64_t begin, int64_t end, int) { body(begin, end); });
}

}  // namespace ondol::train
