// Messages of training data, brought from the forms that are about into one (example.h).
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol::train {

/// OpenAI's form. `key` is where the list stands, for errors. `is_learned`, if given, says for each message whether its
/// member `weight` leaves it to be learned.
Result<json::array> read_messages(const json::array& list, std::string_view key, std::vector<bool>* is_learned);

/// ShareGPT's form: {from, value}, with calls of tools as JSON texts (function_call, observation).
Result<json::array> read_share_gpt(const json::array& list, std::string_view key);

/// The members `tools` (a list, or a JSON text of one) or `functions` of a record; empty when there is neither.
Result<json::array> read_tools(const json::object& record);

/// "a string", "an object", ... for errors.
std::string_view kind_name(const json::value& value);

}  // namespace ondol::train
