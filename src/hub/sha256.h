// SHA-256 of a file, read as a stream.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace ondol {

/// In lower-case hexadecimal. `progress` receives the bytes read so far; it returns false to give up.
Result<std::string> sha256_of_file(const std::string& path, const std::function<bool(uint64_t)>& progress = {});

}  // namespace ondol
