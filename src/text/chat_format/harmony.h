// gpt-oss: messages with a header (channel, recipient) each. Not a Dialect, since nearly all of it is markup.
#pragma once

#include <memory>
#include <string_view>

#include "text/chat_format.h"

namespace ondol::chat_format {

bool is_harmony(std::string_view source);
std::shared_ptr<const ChatFormat> harmony();

}  // namespace ondol::chat_format
