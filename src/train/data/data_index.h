// DataIndex: where in the files each trainable text is, and how long: all that is kept in memory of the data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "train/data/encoder.h"
#include "train/data/record_files.h"

namespace ondol::train {

/// A unit of an example (its number is in `begin`), or a window of a text.
struct IndexItem {
  RecordPlace place;
  uint32_t file = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t n_tokens = 0;
  bool is_text = false;  // a window of a text, not a unit
  bool ends_document = true;
  bool is_validation = false;
};

struct DataStatistics {
  std::string format;  // names of those that were found, the most frequent one first
  uint64_t n_files = 0;
  uint64_t n_examples = 0;  // to train on: records, or windows of texts
  uint64_t n_validation_examples = 0;
  uint64_t n_tokens = 0;  // to train on, in an epoch
  uint64_t n_targets = 0;
  uint64_t n_validation_tokens = 0;
  uint64_t n_cut = 0;              // longer than a sequence: their ends are lost
  uint64_t n_left_out = 0;         // longer than a sequence
  uint64_t n_without_targets = 0;  // nothing to learn in them
  uint64_t n_split = 0;            // conversations that need several texts, as the template rewrites earlier turns
};

/// How to find out which examples are kept for validation.
struct ValidationSplit {
  double fraction = 0;     // of the examples, by a hash of their bytes
  bool takes_all = false;  // the files are for validation only
};

struct DataIndex {
  std::vector<RecordFile> files;
  std::vector<IndexItem> items;
  Format format = Format::kText;  // of the first record
  DataStatistics statistics;
  Hash128 hash;  // of the bytes of all records
};

/// Reads all files once and encodes every example, in parallel. The result does not depend on the number of threads.
/// All must be mixable with `format`, if it is given. Errors name file, line and member.
Result<DataIndex> index_files(std::vector<RecordFile> files, const Encoder& encoder, const ValidationSplit& split,
                              const Format* format, ThreadPool& pool);

/// The segments of an item.
Result<Unit> load_item(const DataIndex& index, const IndexItem& item, const Encoder& encoder);

}  // namespace ondol::train
