// Moving a store from a file to a database server, and back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace ondol {

/// Copies everything in the store at `from` into `to`, which must be empty or not be there yet, in one transaction.
/// `progress` hears of rows done and all; false stops, and nothing is kept. Returns the number of rows. Places are as
/// Database::open takes them.
Result<int64_t> copy_store(const std::string& from, const std::string& to,
                           const std::function<bool(int64_t, int64_t)>& progress = {});

}  // namespace ondol
