#include "train/data/data_index.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace ondol::train {
namespace {

constexpr size_t kBatchRecords = 512;
constexpr size_t kBatchBytes = size_t{4} << 20;

Hash128 hash_text(std::string_view text) {
  return hash_bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

/// What one record gives.
struct Found {
  std::optional<Error> error;
  std::vector<IndexItem> items;
  Hash128 hash;
  uint64_t n_targets = 0, n_validation_tokens = 0;
  uint64_t n_cut = 0, n_left_out = 0, n_without_targets = 0, n_split = 0;
  uint64_t n_examples = 0, n_validation_examples = 0;
};

/// The text of a JSON record of Format::kText, or of a piece of a plain text.
Result<std::string> text_of(const std::string& record, bool is_json) {
  if (!is_json) return record;
  const json::value parsed = ONDOL_TRY(parse_json(record));
  return std::move(ONDOL_TRY(read_example(parsed, Format::kText)).text);
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
    const Result<void> result = index_.is_text ? add_windows(record, item, found) : add_units(record, item, found);
    if (!result) found.error = result.error().in(fmt::format("{}:{}", index_.files[file].path, record.line));
    return found;
  }

 private:
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

  Result<void> add_windows(const Record& record, IndexItem item, Found& found) const {
    const bool is_json = index_.files[item.file].kind != RecordFile::Kind::kText;
    const std::string text = ONDOL_TRY(text_of(record.text, is_json));
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
    return {};
  }

  Result<void> add_units(const Record& record, IndexItem item, Found& found) const {
    const json::value parsed = ONDOL_TRY(parse_json(record.text));
    const Example example = ONDOL_TRY(read_example(parsed, index_.format));
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
    if (file.kind == RecordFile::Kind::kText) {
      index.format = Format::kText;
      break;
    }
    Record record;
    RecordReader reader = ONDOL_TRY(RecordReader::open(file));
    const bool is_there = ONDOL_TRY(reader.next(record));
    if (!is_there) continue;
    const std::string place = fmt::format("{}:{}", file.path, record.line);
    const json::value parsed = ONDOL_TRY(parse_json(record.text).in(place));
    index.format = ONDOL_TRY(detect_format(parsed).in(place));
    break;
  }
  if (required != nullptr && *required != index.format) {
    return Error(fmt::format("{}: expected {} as in the training data, got {}", index.files.front().path,
                             format_name(*required), format_name(index.format)));
  }
  index.is_text = index.format == Format::kText;
  index.statistics.format = format_name(index.format);
  for (const RecordFile& file : index.files) {
    if (file.kind != RecordFile::Kind::kText || index.is_text) continue;
    return Error(fmt::format("{}: expected {} as in the files before, got a plain text; hint: one format for all data",
                             file.path, format_name(index.format)));
  }
  return {};
}

}  // namespace

Result<DataIndex> index_files(std::vector<RecordFile> files, const Encoder& encoder, const ValidationSplit& split,
                              const Format* format, ThreadPool& pool) {
  DataIndex index;
  index.files = std::move(files);
  index.statistics.n_files = index.files.size();
  ONDOL_TRY(find_format(index, format));
  const Indexer indexer(encoder, split, index);
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
      }
      if (broken) return *broken;
    }
  }
  return index;
}

Result<Unit> load_item(const DataIndex& index, const IndexItem& item, const Encoder& encoder) {
  const RecordFile& file = index.files[item.file];
  const std::string record = ONDOL_TRY(read_record(file, item.place));
  const Error changed(fmt::format("{}: the file has changed since the training began; hint: start again", file.path));
  Unit unit;
  if (index.is_text) {
    const auto text = text_of(record, file.kind != RecordFile::Kind::kText);
    if (!text || item.end > text->size()) return changed;
    unit.push_back(
        encoder.encode_window(std::string_view(*text).substr(item.begin, item.end - item.begin), item.ends_document));
  } else {
    const auto parsed = parse_json(record);
    if (!parsed) return changed;
    EncodedExample encoded = ONDOL_TRY(encoder.encode(ONDOL_TRY(read_example(*parsed, index.format).in(file.path))));
    if (item.begin >= encoded.units.size()) return changed;
    unit = std::move(encoded.units[item.begin]);
  }
  size_t n_tokens = 0;
  for (const Segment& segment : unit) n_tokens += segment.tokens.size();
  if (n_tokens != item.n_tokens) return changed;
  return unit;
}

}  // namespace ondol::train
