// Elicitation: a question of a server to the person before the client, as a flat form (or a page to open).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/mcp/call.h"
#include "base/json.h"
#include "base/result.h"

namespace ondol::mcp {

/// What was filled in, and for the fields that were not, their defaults.
json::object with_defaults(const json::value& requested_schema, json::object content);

/// Whether a client's answer to `method` with `params` has the shape that it must have.
Result<void> check_answer(std::string_view method, const json::object& params, const json::value& answer);

/// Asks for one line of text. Error: as Call::ask, or the person would not say.
Result<std::string> ask_for_text(Call& call, std::string_view key, std::string_view question);

/// Asks for consent. Error: as Call::ask. False: refused.
Result<bool> ask_for_consent(Call& call, std::string_view key, std::string_view question);

}  // namespace ondol::mcp
