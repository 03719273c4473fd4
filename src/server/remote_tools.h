// mcp: tools of MCP servers that a model of the Responses API calls while it answers. A server must be on a host that
// the owner of this one allows; what it says is a stranger's words.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/host_list.h"
#include "agent/secrets.h"
#include "server/fields.h"
#include "server/hosted_call.h"
#include "text/chat_format.h"

namespace ondol::server {

/// Some of a server's tools: by name, or those that say of themselves whether they only read. Without either: none.
struct RemoteToolFilter {
  std::set<std::string> names;
  std::optional<bool> only_reads;

  bool has(std::string_view name, const json::value& listing) const;
};

/// The tool as a request gives it.
struct RemoteServer {
  std::string label;
  std::string url;
  std::vector<std::string> headers;  // "Name: value": secrets, which are neither kept nor told
  std::optional<RemoteToolFilter> allowed;
  bool asks = true;        // whether a call must be approved, where neither of the following says so
  RemoteToolFilter asked;  // always
  RemoteToolFilter free;   // never

  bool allows(const json::value& listing) const;
  bool must_ask(const json::value& listing) const;
};

/// Faults are those of `fields`. `echo` is the tool as it is shown again: without what may be secret.
RemoteServer read_remote_server(const Fields& fields, json::object& echo);

/// Why this server does not speak with `server`; nothing where it does.
std::optional<HttpError> check_remote_server(const HostList& hosts, const RemoteServer& server);

/// A listing as mcp_list_tools shows it, as the model knows it.
ToolDefinition remote_tool_definition(const std::string& label, const json::value& listing);

/// The servers of one response. One thread at a time.
class RemoteServers {
 public:
  /// `hosts` must live longer.
  RemoteServers(std::vector<RemoteServer> servers, const HostList& hosts);
  ~RemoteServers();
  RemoteServers(const RemoteServers&) = delete;
  RemoteServers& operator=(const RemoteServers&) = delete;

  const std::vector<RemoteServer>& servers() const { return servers_; }

  using GoesOn = std::function<bool()>;
  /// Its tools that are allowed, as mcp_list_tools shows them.
  Result<json::array> list(const std::string& label, const GoesOn& goes_on);
  HostedResult call(const std::string& label, const std::string& tool, const json::value& arguments,
                    const GoesOn& goes_on);

 private:
  struct Connected;
  Result<Connected*> connected(const std::string& label, const GoesOn& goes_on);
  /// Without the headers' values, which a server may repeat.
  std::string clean(const std::string& text) const { return secrets_.filter(text).text; }

  const std::vector<RemoteServer> servers_;
  const HostList& hosts_;
  const SecretFilter secrets_;
  std::map<std::string, std::unique_ptr<Connected>> connected_;  // by label
};

}  // namespace ondol::server
