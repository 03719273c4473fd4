// ChatTemplate: renders a conversation to the exact text that a model was trained on.
//
// The language is Jinja2 as transformers sets it up (trim_blocks, lstrip_blocks, loop controls, the generation block,
// tojson without HTML escapes, raise_exception, strftime_now). Templates come from downloaded files, so rendering is
// bounded in steps, depth and output, and can reach nothing outside its context.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace ondol {

class ChatTemplate {
 public:
  /// Parses `source`. Errors name line and column.
  static Result<ChatTemplate> parse(std::string_view source);

  /// Renders with the variables of `context`, a JSON object (messages, tools, add_generation_prompt, bos_token, ...).
  /// A template's own raise_exception(...) is an error with its message.
  /// `now_unix_seconds` is what strftime_now sees (local time zone of the process).
  Result<std::string> render(const json::object& context, int64_t now_unix_seconds) const;

  /// As render, and also the spans of the output that lie inside {% generation %} blocks: begin and end byte offsets.
  struct Rendered {
    std::string text;
    std::vector<std::pair<size_t, size_t>> generation_spans;
  };
  Result<Rendered> render_with_spans(const json::object& context, int64_t now_unix_seconds) const;

 private:
  struct Program;
  std::shared_ptr<const Program> program_;
};

}  // namespace ondol
