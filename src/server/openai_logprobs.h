// Log probabilities in the form of chat completions.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/answer_writer.h"

namespace ondol::server {

/// The bytes of a token as text: what is no UTF-8 becomes U+FFFD.
std::string shown_token(std::string_view bytes);

/// {token, logprob, bytes, top_logprobs}
json::object openai_logprob(const TokenReport& report);

}  // namespace ondol::server
