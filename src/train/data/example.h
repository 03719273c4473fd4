// Example: one record of training data, whatever its format, in one form.
//
// Formats, by the members of their JSON objects: `messages` (OpenAI's, with tools), `conversations` (ShareGPT),
// `instruction` and `output` (Alpaca), `prompt` and `completion`, `text`, `chosen` and `rejected` (preferences, with
// `prompt` or the same beginning), `prompt`, `completion` and `label` (KTO). Pictures and sound are refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol::train {

enum class Format { kMessages, kShareGpt, kAlpaca, kPromptCompletion, kText, kPreference, kJudged };

/// For people: "messages", "ShareGPT", ...
std::string_view format_name(Format format);

/// Messages of which some of the assistant's are to be learned.
struct Exchange {
  /// {role, content, reasoning_content?, tool_calls?, tool_call_id?, name?}; content is a string, arguments of calls
  /// are objects.
  json::array messages;
  json::array tools;            // as OpenAI writes them
  std::vector<bool> is_answer;  // for each message: the assistant's, and to be learned
  bool is_plain = false;        // a prompt and a completion as strings: without a template, they are joined as they are
};

struct Example {
  Format format = Format::kText;
  std::string text;                 // kText
  std::vector<Exchange> exchanges;  // else: one; of kPreference the chosen and the rejected one
  bool is_desirable = true;         // kJudged
  json::object template_variables;  // member chat_template_kwargs: enable_thinking, ...
};

/// The format that the members of `record` show.
Result<Format> detect_format(const json::value& record);

/// Whether data may have records of both formats: texts and answers are learned alike; pairs and judged answers not.
bool can_be_mixed(Format one, Format other);

/// `first` is the format of the first record of the data, with which that of `record` must be mixable. Errors name the
/// member, what was expected and what is there.
Result<Example> read_example(const json::value& record, Format first);

}  // namespace ondol::train
