#include "train/data/data_index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace ondol::train {
namespace {

constexpr size_t kBatchRecords = 512;
constexpr size_t kBatchBytes = size_t{4} << 20;

using FormatCounts = std::array<uint64_t, 7>;  // for each Format

Hash128 hash_text(std::string_view text) {
  return hash_bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

/// What one record gives.
struct Found {
  std::optional<Error> error;
  std::vector<IndexItem> items;
  Format format = Format::kText;
  Hash128 hash;
  uint64_t n_targets = 0, n_validation_tokens = 0;
  uint64_t n_cut = 0, n_left_out = 0, n_without_targets = 0, n_split = 0;
  uint64_t n_examples = 0, n_validation_examples = 0;
};

/// A record of JSON, or a piece of a plain text.
Result<Example> example_of(const std::string& record, const RecordFile& file, Format first) {
  if (file.kind != RecordFile::Kind::kText) return read_example(ONDOL_TRY(parse_json(record)), first);
  Example example;
  example.text = record;
  return example;
}

class Indexer {
 public:
  Indexer(const Encoder& encoder, const ValidationSplit& split, DataIndex& index)
      : encoder_(encoder), split_(split), index_(index) {}

  Found look_at(const Record& record, uint32_t file) const {
    Found found;
    found.hash = hash_text(record.text);
    IndexItem item;
    item.place = record.place;
    item.file = file;
    item.ends_document = record.ends_document;
    const Result<void> result = add(record, item, found);
    if (!result) found.error = result.error().in(fmt::format("{}:{}", index_.files[file].path, record.line));
    return found;
  }

 private:
  Result<void> add(const Record& record, IndexItem item, Found& found) const {
    const Example example = ONDOL_TRY(example_of(record.text, index_.files[item.file], index_.format));
    found.format = example.format;
    item.is_text = example.format == Format::kText;
    if (!item.is_text) return add_units(example, item, found);
    add_windows(example.text, item, found);
    return {};
  }

  bool is_validation(const Hash128& hash) const {
    return split_.takes_all || static_cast<double>(hash.high >> 11) * 0x1.0p-53 < split_.fraction;
  }

  void add(IndexItem item, const Unit& unit, Found& found) const {
    for (const Segment& segment : unit) {
      item.n_tokens += static_cast<uint32_t>(segment.tokens.size());
      if (item.is_validation) continue;
      for (const uint8_t is_target : segment.is_target) found.n_targets += is_target;
    }
    if (item.is_validation) found.n_validation_tokens += item.n_tokens;
    found.items.push_back(item);
  }

  void add_windows(const std::string& text, IndexItem item, Found& found) const {
    for (const TextWindow& window : encoder_.cut(text, item.ends_document)) {
      const std::string_view part = std::string_view(text).substr(window.begin, window.end - window.begin);
      IndexItem one = item;
      one.begin = window.begin;
      one.end = window.end;
      one.ends_document = item.ends_document && window.end == text.size();
      one.is_validation = is_validation(hash_text(part));
      if (window.n_tokens < 2) {
        ++found.n_without_targets;
        continue;
      }
      add(one, {encoder_.encode_window(part, one.ends_document)}, found);
      ++(one.is_validation ? found.n_validation_examples : found.n_examples);
    }
  }

  Result<void> add_units(const Example& example, IndexItem item, Found& found) const {
    const EncodedExample encoded = ONDOL_TRY(encoder_.encode(example));
    item.is_validation = is_validation(found.hash);
    found.n_cut = encoded.n_cut;
    found.n_left_out = encoded.n_left_out;
    found.n_without_targets = encoded.n_without_targets;
    found.n_split = encoded.units.size() > 1 ? 1 : 0;
    for (const Unit& unit : encoded.units) {
      add(item, unit, found);
      ++item.begin;
    }
    if (!encoded.units.empty()) ++(item.is_validation ? found.n_validation_examples : found.n_examples);
    return {};
  }

  const Encoder& encoder_;
  const ValidationSplit& split_;
  DataIndex& index_;
};

void append(const Found& found, DataIndex& index) {
  DataStatistics& statistics = index.statistics;
  statistics.n_targets += found.n_targets;
  statistics.n_validation_tokens += found.n_validation_tokens;
  statistics.n_cut += found.n_cut;
  statistics.n_left_out += found.n_left_out;
  statistics.n_without_targets += found.n_without_targets;
  statistics.n_split += found.n_split;
  statistics.n_examples += found.n_examples;
  statistics.n_validation_examples += found.n_validation_examples;
  for (const IndexItem& item : found.items) {
    if (!item.is_validation) statistics.n_tokens += item.n_tokens;
    index.items.push_back(item);
  }
  const uint64_t words[] = {found.hash.low, found.hash.high};
  index.hash = hash_bytes({reinterpret_cast<const uint8_t*>(words), sizeof(words)}, index.hash);
}

/// The format of the first record; plain texts are Format::kText.
Result<void> find_format(DataIndex& index, const Format* required) {
  for (const RecordFile& file : index.files) {
    if (file.kind == RecordFile::Kind::kText) break;
    Record record;
    RecordReader reader = ONDOL_TRY(RecordReader::open(file));
    const bool is_there = ONDOL_TRY(reader.next(record));
    if (!is_there) continue;
    const std::string place = fmt::format("{}:{}", file.path, record.line);
    const json::value parsed = ONDOL_TRY(parse_json(record.text).in(place));
    index.format = ONDOL_TRY(detect_format(parsed).in(place));
    break;
  }
  if (required != nullptr && !can_be_mixed(*required, index.format)) {
    return Error(fmt::format("{}: expected {} as in the training data, got {}", index.files.front().path,
                             format_name(*required), format_name(index.format)));
  }
  for (const RecordFile& file : index.files) {
    if (file.kind != RecordFile::Kind::kText || can_be_mixed(index.format, Format::kText)) continue;
    return Error(fmt::format("{}: expected {} as in the files before, got a plain text; hint: train with each by itself",
                             file.path, format_name(index.format)));
  }
  return {};
}

/// "messages", or "messages and text" where both were found: the most frequent one first.
std::string names_of(const FormatCounts& counts) {
  std::vector<size_t> order;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  std::string names;
  for (const size_t i : order) {
    names += fmt::format("{}{}", names.empty() ? "" : " and ", format_name(static_cast<Format>(i)));
  }
  return names;
}

}  // namespace

Result<DataIndex> index_files(std::vector<RecordFile> files, const Encoder& encoder, const ValidationSplit& split,
                              const Format* format, ThreadPool& pool) {
  DataIndex index;
  index.files = std::move(files);
  index.statistics.n_files = index.files.size();
  ONDOL_TRY(find_format(index, format));
  const Indexer indexer(encoder, split, index);
  FormatCounts counts{};
  std::vector<Record> records(kBatchRecords);
  std::vector<Found> found(kBatchRecords);
  for (uint32_t file = 0; file < index.files.size(); ++file) {
    RecordReader reader = ONDOL_TRY(RecordReader::open(index.files[file]));
    for (bool more = true; more;) {
      size_t n = 0;
      std::optional<Error> broken;
      for (size_t bytes = 0; more && n < kBatchRecords && bytes < kBatchBytes;) {
        const Result<bool> next = reader.next(records[n]);
        if (!next) broken = next.error();
        more = next && *next;
        if (more) bytes += records[n++].text.size();
      }
      pool.run(static_cast<int64_t>(n), 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) {
          found[static_cast<size_t>(i)] = indexer.look_at(records[static_cast<size_t>(i)], file);
        }
      });
      for (size_t i = 0; i < n; ++i) {
        if (found[i].error) return *found[i].error;
        append(found[i], index);
        ++counts[static_cast<size_t>(found[i].format)];
      }
      if (broken) return *broken;
    }
  }
  index.statistics.format = names_of(counts);
  return index;
}

Result<Unit> load_item(const DataIndex& index, const IndexItem& item, const Encoder& encoder) {
  const RecordFile& file = index.files[item.file];
  const std::string record = ONDOL_TRY(read_record(file, item.place));
  const Error changed(fmt::format("{}: the file has changed since the training began; hint: start again", file.path));
  const auto example = example_of(record, file, index.format);
  if (!example || (example->format == Format::kText) != item.is_text) return changed;
  Unit unit;
  if (item.is_text) {
    if (item.end > example->text.size()) return changed;
    unit.push_back(encoder.encode_window(std::string_view(example->text).substr(item.begin, item.end - item.begin),
                                         item.ends_document));
  } else {
    EncodedExample encoded = ONDOL_TRY(encoder.encode(*example));
    if (item.begin >= encoded.units.size()) return changed;
    unit = std::move(encoded.units[item.begin]);
  }
  size_t n_tokens = 0;
  for (const Segment& segment : unit) n_tokens += segment.tokens.size();
  if (n_tokens != item.n_tokens) return changed;
  return unit;
}

}  // namespace ondol::train
