// An MCP server over standard input and output, or any two descriptors: one message a line.
#pragma once

#include <functional>

#include "agent/mcp/server.h"

namespace ondol::mcp {

/// Serves one client until its stream ends, or `goes_on` says no (asked about ten times a second), and then stops the
/// server. SIGPIPE must be ignored by the program.
void serve_lines(Server& server, int input, int output, const std::function<bool()>& goes_on);

}  // namespace ondol::mcp
