#include "train/data/example_texts.h"

#include <fmt/format.h>

namespace ondol::train {
namespace {

void append_message(const json::value& message, std::vector<std::string>& texts) {
  for (const char* key : {"content", "reasoning_content"}) {
    std::string text = string_or(message, key, "");
    if (!text.empty()) texts.push_back(std::move(text));
  }
  const json::value* calls = find_member(message, "tool_calls");
  if (calls == nullptr || !calls->is_array()) return;
  for (const json::value& call : calls->get_array()) {
    const json::value* function = find_member(call, "function");
    if (function != nullptr) texts.push_back(json_text(*function));
  }
}

}  // namespace

Result<void> append_texts(const RecordFile& file, const Record& record, std::vector<std::string>& texts) {
  if (file.kind == RecordFile::Kind::kText) {
    texts.push_back(record.text);
    return {};
  }
  const std::string place = fmt::format("{}:{}", file.path, record.line);
  const json::value parsed = ONDOL_TRY(parse_json(record.text).in(place));
  const Format format = ONDOL_TRY(detect_format(parsed).in(place));
  Example example = ONDOL_TRY(read_example(parsed, format).in(place));
  if (!example.text.empty()) texts.push_back(std::move(example.text));
  for (const Exchange& exchange : example.exchanges) {
    for (const json::value& message : exchange.messages) append_message(message, texts);
  }
  return {};
}

}  // namespace ondol::train
