#include "train/data/check_records.h"

#include <optional>

#include <fmt/format.h>

namespace ondol::train {
namespace {

Result<void> check_record(const Record& record, Method method, std::optional<Format>& format) {
  const json::value parsed = ONDOL_TRY(parse_json(record.text));
  if (!format) {
    format = ONDOL_TRY(detect_format(parsed));
    ONDOL_TRY(check_format(method, *format));
  }
  ONDOL_TRY(read_example(parsed, *format));
  return {};
}

}  // namespace

Result<void> check_format(Method method, Format format) {
  const auto wanted = [](Method of) {
    if (of == Method::kKto) return Format::kJudged;
    const bool is_pair = of == Method::kDpo || of == Method::kOrpo;
    return is_pair ? Format::kPreference : Format::kText;
  };
  const auto kind = [](Format of) { return of == Format::kPreference || of == Format::kJudged ? of : Format::kText; };
  if (wanted(method) == kind(format)) return {};
  const std::string_view fitting = kind(format) == Format::kPreference ? "dpo or orpo"
                                   : kind(format) == Format::kJudged   ? "kto"
                                                                       : "lora, qlora or full";
  return Error(fmt::format("--method: for examples of the format '{}', expected {}", format_name(format), fitting));
}

Result<RecordSummary> check_records(const std::string& path, Method method) {
  RecordSummary summary;
  std::optional<Format> format;
  for (const RecordFile& file : ONDOL_TRY(list_record_files({path}))) {
    RecordReader reader = ONDOL_TRY(RecordReader::open(file));
    Record record;
    while (ONDOL_TRY(reader.next(record))) {
      ++summary.n_records;
      if (file.kind == RecordFile::Kind::kText) {
        ONDOL_TRY(check_format(method, Format::kText).in(path));
        if (!format) format = Format::kText;
        continue;
      }
      ONDOL_TRY(check_record(record, method, format).in(fmt::format("{}:{}", file.path, record.line)));
    }
  }
  if (summary.n_records == 0) return Error(fmt::format("{}: expected examples, got none", path));
  summary.format = format_name(*format);
  return summary;
}

}  // namespace ondol::train
