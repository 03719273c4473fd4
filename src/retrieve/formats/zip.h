// Zip archives in memory (libarchive), for the formats that are made of them. Nothing is ever written to disk.
//
// Refuses what is a bomb: more entries, more unpacked bytes or a higher rate of unpacking than documents have.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol {

/// Names of entries (as they stand, without "./" in front) and their contents.
using ZipEntries = std::map<std::string, std::string, std::less<>>;

/// The names alone, contents empty.
Result<ZipEntries> list_zip(std::string_view bytes);

/// The entries that are wanted. Encrypted ones are an error.
Result<ZipEntries> read_zip(std::string_view bytes, const std::function<bool(std::string_view name)>& is_wanted);

/// "a/b.xml" and "../c.xml" as "c.xml" (of the entry `base`); percent signs are decoded and fragments taken off.
std::string resolve_entry(std::string_view base, std::string_view target);

}  // namespace ondol
