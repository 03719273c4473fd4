// SequenceSource: an endless row of sequences to learn from, whose position can be saved, and a set for validation.
#pragma once

#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "train/data/data_index.h"
#include "train/data/segment.h"

namespace ondol::train {

/// The sequence `index` of `epoch` comes next. `data` is of the files and options that it belongs to.
struct DataPosition {
  uint64_t epoch = 0;
  uint64_t index = 0;
  Hash128 data;
};

class SequenceSource {
 public:
  virtual ~SequenceSource() = default;

  /// The next `n` sequences; those of the next epoch follow those of this one. A segment is at most
  /// sequence_length tokens long, and so are those of a sequence together.
  virtual Result<std::vector<PackedSequence>> next(size_t n) = 0;

  virtual DataPosition position() const = 0;
  /// Errors: `position` belongs to other data or options.
  virtual Result<void> seek(const DataPosition& position) = 0;

  virtual const DataStatistics& statistics() const = 0;

  /// Sequences of the epoch that comes next; about as many as in the others.
  virtual uint64_t sequences_in_epoch() const = 0;

  /// The validation set, which is always the same; 0 sequences when there is none.
  virtual uint64_t n_validation_sequences() const = 0;
  virtual Result<PackedSequence> validation_sequence(uint64_t i) const = 0;
};

}  // namespace ondol::train
