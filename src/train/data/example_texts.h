// The texts inside examples, for what learns from words alone (a tokenizer).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "train/data/example.h"
#include "train/data/record_files.h"

namespace ondol::train {

/// Appends the texts of one record of `file`: a plain text as it is, of an example every text, reasoning and the
/// arguments of calls.
Result<void> append_texts(const RecordFile& file, const Record& record, std::vector<std::string>& texts);

}  // namespace ondol::train
