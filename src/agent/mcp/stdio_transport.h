// An MCP server as a child process, spoken with over its standard input and output, one message a line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/mcp/transport.h"

namespace ondol::mcp {

struct ServerCommand {
  std::string name;                      // for messages
  std::vector<std::string> arguments;    // the program first; looked up in PATH
  std::vector<std::string> environment;  // "NAME=value", beside HOME, LANG, LOGNAME, PATH, SHELL, TERM and USER
};

/// Starts it. It ends with the thread that started it, at the latest. Error: there is no such program.
Result<std::unique_ptr<Transport>> start_server(const ServerCommand& command);

}  // namespace ondol::mcp
