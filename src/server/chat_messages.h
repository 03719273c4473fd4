// From messages as clients send them to the rules of chat.h, and from there to the form that a template wants.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "server/fields.h"
#include "server/loaded_model.h"
#include "text/chat_format.h"

namespace ondol::server {

/// Text of `content`: a string, or an array of parts, whose texts are joined by line breaks. Pictures, sound and files
/// are refused: the models read text only. Null gives "".
std::string text_of_content(const Fields& message, std::string_view key);

/// Arguments as an object: an object as it is, a text parsed. A text that is none is wrapped, so that a conversation in
/// which a model once wrote nonsense can go on.
json::value call_arguments(const json::value& arguments);

/// {id, type: "function", function: {name, arguments}}
json::object make_tool_call(std::string_view id, std::string_view name, const json::value& arguments);

/// A tool as templates and OpenAI write it.
json::object tool_as_json(const ToolDefinition& tool);

/// The messages for this model's template; `tools` are put into words where it does not render them.
/// `merges`: for templates that want one system message at the head and roles in turn.
json::array messages_for_template(const LoadedModel& model, const json::array& messages,
                                  const std::vector<ToolDefinition>& tools, bool merges);

}  // namespace ondol::server
