// Indexer: files and folders into a store, and what has changed since.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "retrieve/document_reader.h"
#include "retrieve/document_store.h"

namespace ondol {

struct IndexOptions {
  std::vector<std::string> paths;             // files and folders
  uint64_t most_bytes = uint64_t{256} << 20;  // larger files are failures
  DocumentReader* reader = nullptr;           // null: plain text only
  /// Calls for progress, in bytes of files that have to be read; false stops, and what is done stays.
  /// It is asked while a file is read, too.
  std::function<bool(uint64_t done_bytes, uint64_t all_bytes)> progress;
};

struct IndexReport {
  int64_t n_added = 0;
  int64_t n_changed = 0;
  int64_t n_moved = 0;
  int64_t n_removed = 0;
  int64_t n_same = 0;
  uint64_t n_bytes = 0;  // that were read
  bool was_stopped = false;
  /// One line for each file that could not be read: path and why.
  std::vector<std::string> failures;
  /// One line for each file of which a part is missing: path and what.
  std::vector<std::string> incomplete;
};

/// Makes the store agree with the files: reads what is new or has another size or time, takes out what is gone below
/// the given paths, and notices files that were only moved. Hidden files are passed over, and what .gitignore and
/// .ondolignore leave out. Work is committed in parts, so a program that is killed goes on where it was.
Result<IndexReport> index_files(DocumentStore& store, const IndexOptions& options);

}  // namespace ondol
