#include "train/data/data_source.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace ondol::train {
namespace {

std::vector<uint32_t> lengths_of(const DataIndex& index) {
  std::vector<uint32_t> lengths;
  lengths.reserve(index.items.size());
  for (const IndexItem& item : index.items) lengths.push_back(item.n_tokens);
  return lengths;
}

/// Where a fraction of few examples would be none, one is kept.
void keep_one(DataIndex& index) {
  for (IndexItem& item : index.items) {
    if (item.is_validation) return;
  }
  if (index.items.size() < 2) return;
  IndexItem& chosen = index.items[index.items.size() / 2];
  for (IndexItem& item : index.items) {
    if (item.place.offset != chosen.place.offset || item.file != chosen.file) continue;
    if (item.is_text && item.begin != chosen.begin) continue;
    item.is_validation = true;
    index.statistics.n_tokens -= item.n_tokens;
    index.statistics.n_validation_tokens += item.n_tokens;
  }
  --index.statistics.n_examples;
  ++index.statistics.n_validation_examples;
}

Hash128 hash_of(const DataIndex& index, const DataOptions& options) {
  const EncoderOptions& encoder = options.encoder;
  const std::vector<uint32_t> lengths = lengths_of(index);
  const uint64_t words[] = {index.hash.low,
                            index.hash.high,
                            options.seed,
                            encoder.sequence_length,
                            static_cast<uint64_t>(encoder.train_on),
                            static_cast<uint64_t>(encoder.overlong),
                            static_cast<uint64_t>(options.validation_fraction * 0x1.0p53),
                            uint64_t{options.packs} * 2 + uint64_t{options.shuffles}};
  const Hash128 hash = hash_bytes({reinterpret_cast<const uint8_t*>(words), sizeof(words)});
  return hash_bytes({reinterpret_cast<const uint8_t*>(lengths.data()), lengths.size() * sizeof(uint32_t)}, hash);
}

}  // namespace

Result<DataSource> DataSource::open(const DataOptions& options, std::shared_ptr<const Tokenizer> tokenizer,
                                    std::optional<ChatTemplate> chat_template) {
  if (options.paths.empty()) return Error("training data: expected files or folders, got none");
  if (!(options.validation_fraction >= 0 && options.validation_fraction < 1)) {
    return Error(
        fmt::format("validation fraction: expected at least 0 and less than 1, got {}", options.validation_fraction));
  }
  DataSource source(ONDOL_TRY(Encoder::create(std::move(tokenizer), std::move(chat_template), options.encoder)));
  source.options_ = options;
  ThreadPool pool(options.n_threads);
  const bool has_own = !options.validation_paths.empty();
  const ValidationSplit split{has_own ? 0 : options.validation_fraction, false};
  source.index_ =
      ONDOL_TRY(index_files(ONDOL_TRY(list_record_files(options.paths)), source.encoder_, split, nullptr, pool));
  if (split.fraction > 0) keep_one(source.index_);
  if (has_own) {
    source.validation_index_ = ONDOL_TRY(index_files(ONDOL_TRY(list_record_files(options.validation_paths)),
                                                     source.encoder_, {0, true}, &source.index_.format, pool));
    source.index_.statistics.n_validation_examples = source.validation_index_->statistics.n_validation_examples;
    source.index_.statistics.n_validation_tokens = source.validation_index_->statistics.n_validation_tokens;
  }
  for (uint32_t i = 0; i < source.index_.items.size(); ++i) {
    (source.index_.items[i].is_validation ? source.validation_items_ : source.training_items_).push_back(i);
  }
  if (source.training_items_.empty()) {
    return Error(fmt::format("{}: expected examples to train on, got none ({} too long, {} with nothing to learn)",
                             options.paths.front(), source.index_.statistics.n_left_out,
                             source.index_.statistics.n_without_targets));
  }
  if (has_own) {
    source.validation_items_.resize(source.validation_index_->items.size());
    std::iota(source.validation_items_.begin(), source.validation_items_.end(), 0u);
  }
  source.lengths_ = lengths_of(source.index_);
  const auto& validation_lengths = has_own ? lengths_of(*source.validation_index_) : source.lengths_;
  source.validation_bins_ =
      pack_best_fit(validation_lengths, source.validation_items_, options.encoder.sequence_length);
  source.hash_ = hash_of(source.index_, options);
  source.start_epoch(0);
  return source;
}

void DataSource::start_epoch(uint64_t epoch) {
  epoch_ = epoch;
  at_ = 0;
  // Two streams for each epoch: which of equally long examples meet, and the order of the sequences.
  std::vector<uint32_t> order = training_items_;
  if (options_.shuffles) {
    const auto places = shuffled(static_cast<uint32_t>(order.size()), options_.seed, 2 * epoch);
    std::transform(places.begin(), places.end(), order.begin(), [&](uint32_t at) { return training_items_[at]; });
  }
  bins_ = options_.packs && options_.shuffles ? pack_best_fit(lengths_, order, options_.encoder.sequence_length)
                                              : pack_singly(order);
  bin_order_.resize(bins_.size());
  std::iota(bin_order_.begin(), bin_order_.end(), 0u);
  if (options_.shuffles) {
    bin_order_ = shuffled(static_cast<uint32_t>(bins_.size()), options_.seed, 2 * epoch + 1);
  }
}

Result<PackedSequence> DataSource::load(const DataIndex& index, std::span<const uint32_t> items) const {
  PackedSequence sequence;
  for (const uint32_t item : items) {
    Unit unit = ONDOL_TRY(load_item(index, index.items[item], encoder_));
    for (Segment& segment : unit) sequence.segments.push_back(std::move(segment));
  }
  return sequence;
}

Result<std::vector<PackedSequence>> DataSource::next(size_t n) {
  std::vector<PackedSequence> sequences;
  while (sequences.size() < n) {
    sequences.push_back(ONDOL_TRY(load(index_, bins_.bin(bin_order_[at_]))));
    if (++at_ == bins_.size()) start_epoch(epoch_ + 1);
  }
  return sequences;
}

DataPosition DataSource::position() const {
  return {epoch_, at_, hash_};
}

Result<void> DataSource::seek(const DataPosition& position) {
  if (position.data != hash_) {
    return Error(
        "training data: expected the files and options that the checkpoint was made with, got others; hint: "
        "start again without --resume");
  }
  if (position.epoch != epoch_) start_epoch(position.epoch);
  if (position.index >= bins_.size()) {
    return Error(fmt::format("training data: expected a position below {} in epoch {}, got {}", bins_.size(),
                             position.epoch, position.index));
  }
  at_ = position.index;
  return {};
}

Result<PackedSequence> DataSource::validation_sequence(uint64_t i) const {
  ONDOL_CHECK(i < validation_bins_.size());
  return load(validation_index_ ? *validation_index_ : index_, validation_bins_.bin(i));
}

}  // namespace ondol::train
