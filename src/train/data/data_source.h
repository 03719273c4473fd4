// DataSource: files of examples as an endless row of packed sequences, epoch after epoch, and a set for validation.
//
// The row depends on the files, the model's tokenizer and template, and the options; not on threads. Its position can
// be saved and sought exactly. Memory: about 40 bytes for each example or window, none for their texts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "train/data/data_index.h"
#include "train/data/encoder.h"
#include "train/data/packing.h"
#include "train/data/segment.h"
#include "train/data/sequence_source.h"

namespace ondol::train {

struct DataOptions {
  std::vector<std::string> paths;             // files and folders (record_files.h)
  std::vector<std::string> validation_paths;  // likewise
  double validation_fraction = 0;             // of the examples, kept apart; in [0, 1)
  EncoderOptions encoder;
  uint64_t seed = 0;
  bool packs = true;     // false: one example in a sequence
  bool shuffles = true;  // false: sequences keep the order of the files; implies no packing
  int n_threads = 0;     // that read the data at first; 0: all
};

class DataSource final : public SequenceSource {
 public:
  /// Reads all files once. Errors name file, line and member; data without any example to train on is one.
  static Result<DataSource> open(const DataOptions& options, std::shared_ptr<const Tokenizer> tokenizer,
                                 std::optional<ChatTemplate> chat_template);

  Result<std::vector<PackedSequence>> next(size_t n) override;

  DataPosition position() const override;
  Result<void> seek(const DataPosition& position) override;

  uint64_t n_examples() const { return index_.statistics.n_examples; }
  const DataStatistics& statistics() const override { return index_.statistics; }
  Format format() const { return index_.format; }

  uint64_t sequences_in_epoch() const override { return bins_.size(); }

  uint64_t n_validation_sequences() const override { return validation_bins_.size(); }
  Result<PackedSequence> validation_sequence(uint64_t i) const override;

 private:
  explicit DataSource(Encoder encoder) : encoder_(std::move(encoder)) {}
  void start_epoch(uint64_t epoch);
  Result<PackedSequence> load(const DataIndex& index, std::span<const uint32_t> items) const;

  Encoder encoder_;
  DataIndex index_;
  std::optional<DataIndex> validation_index_;  // of files of their own
  std::vector<uint32_t> training_items_, validation_items_;
  std::vector<uint32_t> lengths_;  // of all items of index_
  Packing bins_, validation_bins_;
  std::vector<uint32_t> bin_order_;
  DataOptions options_;
  Hash128 hash_;
  uint64_t epoch_ = 0, at_ = 0;
};

}  // namespace ondol::train
