// ONDOL_CHECK: a broken invariant ends the process with a message. No input may reach one; fuzz targets prove it.
#pragma once

namespace ondol::detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define ONDOL_CHECK(condition)                                                       \
  do {                                                                               \
    if (!(condition)) ::ondol::detail::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
