// TextStream: plain texts as one long row of tokens, from which windows are taken wherever chance falls, as models are
// taught from scratch. All tokens are in memory, four bytes each.
#pragma once

#include <memory>

#include "text/tokenizer.h"
#include "train/data/sequence_source.h"

namespace ondol::train {

struct TextStreamOptions {
  std::vector<std::string> paths;             // text files, and folders of them (record_files.h)
  std::vector<std::string> validation_paths;  // likewise
  double validation_fraction = 0;             // of the tokens, those at the end; in [0, 1)
  size_t window = 1024;                       // tokens that a window predicts
  uint64_t seed = 0;
};

class TextStream final : public SequenceSource {
 public:
  /// Whether all of `paths` are plain texts. Errors: those of list_record_files.
  static Result<bool> takes(const std::vector<std::string>& paths);

  /// A file is a document, which the end-of-text token ends, if the tokenizer has one. Errors: files that cannot be
  /// read or are larger than 4 GB, and less text than a window.
  static Result<std::unique_ptr<TextStream>> open(const TextStreamOptions& options, const Tokenizer& tokenizer);

  Result<std::vector<PackedSequence>> next(size_t n) override;
  DataPosition position() const override;
  Result<void> seek(const DataPosition& position) override;
  const DataStatistics& statistics() const override { return statistics_; }
  uint64_t sequences_in_epoch() const override { return (tokens_.size() - 1) / options_.window; }
  uint64_t n_validation_sequences() const override;
  Result<PackedSequence> validation_sequence(uint64_t i) const override;

 private:
  explicit TextStream(const TextStreamOptions& options) : options_(options) {}

  TextStreamOptions options_;
  std::vector<int32_t> tokens_;
  std::vector<int32_t> validation_tokens_;
  DataStatistics statistics_;
  Hash128 hash_;
  uint64_t at_ = 0;  // windows taken so far
};

}  // namespace ondol::train
