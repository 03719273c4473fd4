// Whether files are examples that a method can learn from, without a model: each record is read once.
#pragma once

#include <string>

#include "train/training_options.h"

namespace ondol::train {

struct RecordSummary {
  std::string format;  // format_name
  uint64_t n_records = 0;
};

/// Errors name file, line and member: records that are broken, of a format other than the first one, or of one that
/// the method cannot learn from; and files without any record.
Result<RecordSummary> check_records(const std::string& path, Method method);

/// Pairs and judgements would be learned as if all answers were good: an error says which methods fit the format.
Result<void> check_format(Method method, Format format);

}  // namespace ondol::train
