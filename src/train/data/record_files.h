// RecordFiles: the files that examples come from, read record by record in bounded memory, and one record again later.
//
// A record is a line of a JSON Lines file, an object of a file that is one JSON array, or a piece of a plain text
// (paragraphs of about a mebibyte; the pieces of a file are one document). A byte order mark is skipped; line ends may
// be CR LF. Refused: files that are not UTF-8, records above 256 MiB.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol::train {

struct RecordFile {
  enum class Kind { kJsonLines, kJsonArray, kText };
  std::string path;
  Kind kind = Kind::kText;
  uint64_t size_bytes = 0;
};

/// The files that `paths` name. Of a folder, those inside it at any depth whose names end in .txt, .md, .markdown,
/// .jsonl, .ndjson or .json, by name; hidden ones are left out. A file named by itself may have any ending.
Result<std::vector<RecordFile>> list_record_files(const std::vector<std::string>& paths);

struct RecordPlace {
  uint64_t offset = 0;
  uint32_t size_bytes = 0;
};

struct Record {
  std::string text;  // of plain text, with "\n" at the ends of lines
  RecordPlace place;
  uint64_t line = 0;  // where it begins, from 1
  bool ends_document = true;
};

/// Runs through a file. Blank lines are no records.
class RecordReader {
 public:
  static Result<RecordReader> open(const RecordFile& file);
  RecordReader(RecordReader&&) noexcept;
  RecordReader& operator=(RecordReader&&) noexcept;
  ~RecordReader();

  /// The next record; false at the end of the file.
  Result<bool> next(Record& record);

 private:
  struct State;
  explicit RecordReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The text of one record, as RecordReader gave it. Fails when the file has become shorter.
Result<std::string> read_record(const RecordFile& file, const RecordPlace& place);

}  // namespace ondol::train
