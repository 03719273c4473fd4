#include "train/data/text_stream.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/files.h"
#include "base/philox.h"
#include "train/data/record_files.h"

namespace ondol::train {
namespace {

constexpr size_t kLargestFile = size_t{4} << 30;

Result<void> append_files(const std::vector<std::string>& paths, const Tokenizer& tokenizer,
                          std::vector<int32_t>& tokens, DataStatistics& statistics) {
  for (const RecordFile& file : ONDOL_TRY(list_record_files(paths))) {
    const std::string text = ONDOL_TRY(read_file(file.path, kLargestFile));
    const std::vector<TokenId> ids = tokenizer.encode(text, false, SpecialTokens::kAsPlainText);
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    if (tokenizer.eos() != kNoToken) tokens.push_back(tokenizer.eos());
    ++statistics.n_files;
  }
  return {};
}

/// The tokens [begin, begin + window] as a segment that predicts all but the first.
PackedSequence window_at(const std::vector<int32_t>& tokens, size_t begin, size_t window) {
  const size_t n = std::min(window + 1, tokens.size() - begin);
  Segment segment;
  const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(begin);
  segment.tokens.assign(first, first + static_cast<std::ptrdiff_t>(n));
  segment.is_target.assign(n, 1);
  segment.is_target[0] = 0;
  PackedSequence sequence;
  sequence.segments.push_back(std::move(segment));
  return sequence;
}

}  // namespace

Result<bool> TextStream::takes(const std::vector<std::string>& paths) {
  const std::vector<RecordFile> files = ONDOL_TRY(list_record_files(paths));
  return std::all_of(files.begin(), files.end(),
                     [](const RecordFile& file) { return file.kind == RecordFile::Kind::kText; });
}

Result<std::unique_ptr<TextStream>> TextStream::open(const TextStreamOptions& options, const Tokenizer& tokenizer) {
  std::unique_ptr<TextStream> stream(new TextStream(options));
  std::vector<int32_t>& tokens = stream->tokens_;
  ONDOL_TRY(append_files(options.paths, tokenizer, tokens, stream->statistics_));
  if (!options.validation_paths.empty()) {
    ONDOL_TRY(append_files(options.validation_paths, tokenizer, stream->validation_tokens_, stream->statistics_));
  } else {
    const auto kept = static_cast<size_t>(static_cast<double>(tokens.size()) * (1 - options.validation_fraction));
    stream->validation_tokens_.assign(tokens.begin() + static_cast<std::ptrdiff_t>(kept), tokens.end());
    tokens.resize(kept);
  }
  if (tokens.size() <= options.window) {
    return Error(fmt::format("{}: expected more than {} tokens to learn from, got {}", options.paths.front(),
                             options.window, tokens.size()));
  }
  const uint64_t words[] = {options.seed, options.window, tokens.size()};
  const Hash128 hash = hash_bytes({reinterpret_cast<const uint8_t*>(words), sizeof(words)});
  stream->hash_ = hash_bytes({reinterpret_cast<const uint8_t*>(tokens.data()), tokens.size() * sizeof(int32_t)}, hash);
  DataStatistics& statistics = stream->statistics_;
  statistics.format = "text";
  statistics.n_examples = stream->sequences_in_epoch();
  statistics.n_validation_examples = stream->n_validation_sequences();
  statistics.n_tokens = statistics.n_targets = tokens.size();
  statistics.n_validation_tokens = stream->validation_tokens_.size();
  return stream;
}

Result<std::vector<PackedSequence>> TextStream::next(size_t n) {
  std::vector<PackedSequence> sequences;
  const uint64_t n_places = tokens_.size() - options_.window;
  for (; sequences.size() < n; ++at_) {
    const uint64_t begin = philox_bits(options_.seed, 0, at_) % n_places;
    sequences.push_back(window_at(tokens_, begin, options_.window));
  }
  return sequences;
}

DataPosition TextStream::position() const {
  return {0, at_, hash_};
}

Result<void> TextStream::seek(const DataPosition& position) {
  if (position.data != hash_) {
    return Error(
        "training data: expected the texts and options that the checkpoint was made with, got others; hint: start "
        "again without --resume");
  }
  at_ = position.index;
  return {};
}

uint64_t TextStream::n_validation_sequences() const {
  return validation_tokens_.size() < 2 ? 0 : (validation_tokens_.size() - 2) / options_.window + 1;
}

Result<PackedSequence> TextStream::validation_sequence(uint64_t i) const {
  return window_at(validation_tokens_, i * options_.window, options_.window);
}

}  // namespace ondol::train
