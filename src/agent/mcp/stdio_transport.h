// An MCP server as a child process, spoken with over its standard input and output, one message a line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/mcp/transport.h"
#include "base/descriptor.h"

namespace ondol::mcp {

struct ServerCommand {
  std::string name;                      // for messages
  std::vector<std::string> arguments;    // the program first; looked up in PATH
  std::vector<std::string> environment;  // "NAME=value", beside HOME, LANG, LOGNAME, PATH, SHELL, TERM and USER
};

/// The process behind it, however it was started. Ended by the destructor.
class ServerProcess {
 public:
  virtual ~ServerProcess() = default;
  /// Waits until it ends by itself, and then ends it.
  virtual void wait_at_most(int milliseconds) = 0;
  /// Behind that: "exit status 1".
  virtual std::string fate() const = 0;
};

/// The ends of what it is spoken with over: its standard input, output and error.
struct ServerPipes {
  Descriptor input_here, input_there;
  Descriptor output_here, output_there;
  Descriptor errors_here, errors_there;

  static Result<ServerPipes> make(const std::string& name);
};

/// With the ends that are here.
std::unique_ptr<Transport> speak_with(std::string name, std::unique_ptr<ServerProcess> process, ServerPipes& pipes);

/// Starts it. It ends with the thread that started it, at the latest. Error: there is no such program.
Result<std::unique_ptr<Transport>> start_server(const ServerCommand& command);

}  // namespace ondol::mcp
