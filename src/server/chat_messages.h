// From messages as clients send them to the rules of runtime/chat_style.h.
#pragma once

#include <string>

#include "base/json.h"
#include "runtime/chat_style.h"
#include "server/fields.h"

namespace ondol::server {

/// Text of `content`: a string, or an array of parts, whose texts are joined by line breaks. Pictures, sound and files
/// are refused: the models read text only. Null gives "".
std::string text_of_content(const Fields& message, std::string_view key);

/// Arguments as an object: an object as it is, a text parsed. A text that is none is wrapped, so that a conversation in
/// which a model once wrote nonsense can go on.
json::value call_arguments(const json::value& arguments);

}  // namespace ondol::server
