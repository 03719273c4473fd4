// Tools of other programs' MCP servers as tools of the agent's: "server__tool". What they answer is a stranger's words.
// What they do is taken to be what they can do: those of a confined server without network change the workspace, or
// read it where the server cannot write; all others reach out, whatever they say of themselves, but for those that the
// owner trusts to read only (configuration.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/mcp/client.h"
#include "agent/mcp/configuration.h"
#include "agent/tool.h"

namespace ondol::mcp {

/// Servers that are connected, and their tools.
class ServerTools {
 public:
  ~ServerTools();
  ServerTools(ServerTools&&) noexcept;

  /// Starts or asks each server; those that fail are told in `failures` and left out. Stays with the thread that
  /// called it: servers that are processes end with it.
  static ServerTools connect(const std::vector<ConfiguredServer>& servers, const ClientOptions& options,
                             const std::function<bool()>& goes_on, const ServerPlace& place = {});

  std::vector<Tool*> tools() const;
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct Connected;
  ServerTools();
  std::vector<std::unique_ptr<Connected>> servers_;
  std::vector<std::unique_ptr<Tool>> tools_;
  std::vector<std::string> failures_;
};

/// The text of a result of tools/call, with a word for what is none.
std::string text_of_result(const json::object& result);

/// "server__tool" with the characters that tools' names may have.
std::string tool_name_for(std::string_view server, std::string_view tool);

}  // namespace ondol::mcp
