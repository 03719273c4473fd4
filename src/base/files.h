// Files: whole-file reads with a limit, atomic writes, and read-only memory maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol {

/// Reads a whole file. Fails if it is larger than `limit_bytes`, so that a hostile file cannot take all memory.
Result<std::string> read_file(const std::string& path, size_t limit_bytes = size_t{1} << 30);

/// Writes to a temporary file beside `path`, syncs and renames it: after a crash or on a full disk the old content stays.
Result<void> write_file_atomically(const std::string& path, std::string_view content);

/// A read-only mapping of a whole file. Copies share one mapping; pages are read on first touch.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);

  std::span<const uint8_t> bytes() const;
  const std::string& path() const;

  /// Asks the kernel to start reading [offset, offset + size_bytes) now. Never fails.
  void prefetch(size_t offset, size_t size_bytes) const;

 private:
  struct Mapping;
  explicit MappedFile(std::shared_ptr<const Mapping> mapping) : mapping_(std::move(mapping)) {}
  std::shared_ptr<const Mapping> mapping_;
};

}  // namespace ondol
